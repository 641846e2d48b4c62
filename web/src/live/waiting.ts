/**
 * Which conversations wait for a person's decision. The list only says that a turn runs: of one that is not open the
 * conversation itself is asked, soon at first and then ever less often.
 */

import * as api from "../api/conversations";
import { isGone } from "../api/http";
import type { Conversation } from "../log/types";
import type { ConversationList } from "./list";
import { Store } from "./store";

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

type Watch = { readonly turn: string; readonly over: AbortController; tries: number };

export function isWaiting(state: Conversation): boolean {
  return state.turns[state.running ?? ""]?.status === "waiting";
}

export class Waiting {
  /** Their ids. */
  readonly store = new Store<readonly string[]>([]);
  private readonly watches = new Map<string, Watch>();
  private readonly list: ConversationList;
  private readonly isOpen: (id: string) => boolean;

  /** `isOpen` says of which conversation it is told without asking. */
  constructor(list: ConversationList, isOpen: (id: string) => boolean) {
    this.list = list;
    this.isOpen = isOpen;
    list.store.subscribe(() => this.look());
  }

  tell(id: string, waits: boolean): void {
    const others = this.store.get().filter((other) => other !== id);
    if (waits !== others.length < this.store.get().length) {
      this.store.set(waits ? [...others, id] : others);
    }
  }

  /** The list is another: what does not run does not wait, and what runs is watched. */
  private look(): void {
    const running = new Map(this.list.store.get().conversations.map((each) => [each.id, each.running]));
    for (const [id, watch] of this.watches) {
      if (running.get(id) !== watch.turn) {
        watch.over.abort();
        this.watches.delete(id);
      }
    }
    for (const [id, turn] of running) {
      if (turn === null && !this.isOpen(id)) {
        this.tell(id, false);
      } else if (turn !== null && !this.watches.has(id)) {
        const watch = { turn, over: new AbortController(), tries: 0 };
        this.watches.set(id, watch);
        this.later(id, watch);
      }
    }
  }

  private later(id: string, watch: Watch): void {
    const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** watch.tries++);
    const timer = setTimeout(() => void this.ask(id, watch), ms);
    watch.over.signal.onabort = () => clearTimeout(timer);
  }

  private async ask(id: string, watch: Watch): Promise<void> {
    if (this.isOpen(id)) {
      watch.tries = 0; // whoever leaves it is told soon of what comes next
    } else if (!document.hidden) {
      try {
        const { state, ...header } = await api.snapshot(id, watch.over.signal);
        this.tell(id, isWaiting(state));
        if (header.running !== watch.turn) {
          this.list.put(header);
        }
      } catch (error) {
        if (isGone(error)) {
          this.list.drop(id);
        }
      }
    }
    if (!watch.over.signal.aborted) {
      this.later(id, watch);
    }
  }
}
