/** What was typed and not sent, for each conversation; it survives a reload. */

import { keep, read } from "../../live/kept";

const SOON_MS = 300;

function keyOf(place: string): string {
  return `draft.${place}`;
}

export function readDraft(place: string): string {
  return read(keyOf(place), "");
}

let timer: ReturnType<typeof setTimeout> | undefined;
let waiting: (() => void) | null = null;

/** Keep it in a moment: typing must not wait for storage. */
export function keepDraft(place: string, text: () => string): void {
  clearTimeout(timer);
  waiting = () => keep(keyOf(place), text() || undefined);
  timer = setTimeout(flushDraft, SOON_MS);
}

export function flushDraft(): void {
  clearTimeout(timer);
  waiting?.();
  waiting = null;
}

addEventListener("pagehide", flushDraft);
