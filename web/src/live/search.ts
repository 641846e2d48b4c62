/** Finding messages by their words, as they are typed. */

import * as api from "../api/conversations";
import { isAbort } from "../api/http";
import { sentenceOf } from "../api/problems";
import { tried } from "./notices";
import { Store } from "./store";

/** Who types goes on typing for a moment. */
const PAUSE_MS = 200;

export type Found = Readonly<{
  query: string;
  phase: "idle" | "searching" | "ready" | "failed";
  hits: readonly api.Hit[];
  /** Of the conversations that have hits, by their ids. */
  titles: Readonly<Record<string, string>>;
  cursor: string | null;
  problem: string;
}>;

const NOTHING: Found = { query: "", phase: "idle", hits: [], titles: {}, cursor: null, problem: "" };

export class Search {
  readonly store = new Store<Found>(NOTHING);
  private asking: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** What was found before stays until the answer is there. */
  ask(query: string): void {
    clearTimeout(this.timer);
    this.asking?.abort();
    if (query.trim() === "") {
      this.store.set(NOTHING);
      return;
    }
    this.store.update({ query, phase: "searching" });
    this.timer = setTimeout(() => void this.again(), PAUSE_MS);
  }

  async again(): Promise<void> {
    this.asking = new AbortController();
    try {
      const page = await api.search(this.store.get().query, null, this.asking.signal);
      const { hits, cursor } = page;
      this.store.update({ phase: "ready", hits, titles: titlesOf(page), cursor });
    } catch (error) {
      if (!isAbort(error)) {
        this.store.update({ phase: "failed", hits: [], cursor: null, problem: sentenceOf(error) });
      }
    }
  }

  async more(): Promise<void> {
    const { query, cursor } = this.store.get();
    const reading = api.search(query, cursor, new AbortController().signal);
    if ((await tried(reading)) && query === this.store.get().query) {
      const page = await reading;
      const { hits, titles } = this.store.get();
      this.store.update({
        hits: [...hits, ...page.hits],
        titles: { ...titles, ...titlesOf(page) },
        cursor: page.cursor,
      });
    }
  }
}

function titlesOf(page: api.ConversationList): Record<string, string> {
  return Object.fromEntries(page.conversations.map(({ id, title }) => [id, title]));
}
