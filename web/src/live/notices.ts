/** Short sentences that say what did not work; each goes away by itself. */

import { sentenceOf } from "../api/problems";
import { Store } from "./store";

const SHOWN_MS = 8_000;

export type Notice = Readonly<{ id: number; text: string }>;

export const notices = new Store<readonly Notice[]>([]);
let last = 0;

export function notify(text: string): void {
  const notice = { id: ++last, text };
  notices.set([...notices.get(), notice]);
  setTimeout(() => dismiss(notice.id), SHOWN_MS);
}

export function dismiss(id: number): void {
  notices.set(notices.get().filter((notice) => notice.id !== id));
}

/** Do it; if it fails, say so. True if it worked. */
export async function tried(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    notify(sentenceOf(error));
    return false;
  }
}
