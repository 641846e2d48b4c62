/** The conversations, the one that changed last first, as far as somebody has scrolled. */

import * as api from "../api/conversations";
import type { ConversationNotice } from "../api/notices";
import { Store } from "./store";

/** News come in bursts; one question answers them all. */
const GATHER_MS = 250;

export type List = Readonly<{
  phase: "loading" | "ready" | "failed";
  conversations: readonly api.Header[];
  cursor: string | null;
}>;

export class ConversationList {
  readonly store = new Store<List>({ phase: "loading", conversations: [], cursor: null });
  /** Deleted: a list that was asked for before may still name them. */
  private readonly gone = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Something may have changed. */
  readonly refresh = (): void => {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), GATHER_MS);
  };

  async load(): Promise<void> {
    try {
      const page = await api.list();
      const there = page.conversations.filter((header) => !this.gone.has(header.id));
      this.store.set({ phase: "ready", ...merged({ ...page, conversations: there }, this.store.get()) });
    } catch {
      this.store.update({ phase: this.store.get().phase === "ready" ? "ready" : "failed" });
    }
  }

  async more(): Promise<void> {
    const { cursor, conversations } = this.store.get();
    if (cursor !== null) {
      const page = await api.list(cursor);
      const known = new Set(conversations.map((header) => header.id));
      const added = page.conversations.filter((header) => !known.has(header.id));
      this.store.update({ conversations: [...conversations, ...added], cursor: page.cursor });
    }
  }

  put(header: api.Header): void {
    const others = this.store.get().conversations.filter((other) => other.id !== header.id);
    this.store.update({ conversations: [header, ...others].sort((a, b) => b.updated_at - a.updated_at) });
  }

  /** News of one conversation; the order follows the moment it changed. */
  hear({ id, deleted, ...news }: ConversationNotice): void {
    const known = this.store.get().conversations.find((header) => header.id === id);
    if (deleted) {
      this.drop(id);
    } else if (known === undefined || news.title === undefined || news.updated_at === undefined) {
      this.refresh();
    } else {
      const { title, updated_at, running = known.running } = news;
      this.put({ ...known, title, updated_at, running });
    }
  }

  /** What is known of a conversation already; what else there is to know comes with the next question. */
  rename(id: string, title: string): void {
    const { conversations } = this.store.get();
    if (conversations.some((header) => header.id === id && header.title !== title)) {
      this.store.update({
        conversations: conversations.map((header) => (header.id === id ? { ...header, title } : header)),
      });
    }
  }

  drop(id: string): void {
    this.gone.add(id);
    this.store.update({ conversations: this.store.get().conversations.filter((other) => other.id !== id) });
  }
}

/** The first page, with what was read of the older ones. */
function merged(page: api.ConversationList, before: List): Omit<List, "phase"> {
  const oldest = page.conversations.at(-1)?.updated_at ?? 0;
  const listed = new Set(page.conversations.map((header) => header.id));
  const older = before.conversations.filter((header) => !listed.has(header.id) && header.updated_at < oldest);
  if (page.cursor === null || older.length === 0) {
    return { conversations: page.conversations, cursor: page.cursor };
  }
  return { conversations: [...page.conversations, ...older], cursor: before.cursor };
}
