/**
 * What a person has sent and the server has not yet acknowledged. It survives a reload, a lost network and a
 * server that asks to sign in first; each message has its final id and one idempotency key, so that however often
 * it is sent there is one message and one answer.
 */

import * as api from "../api/conversations";
import { type ProblemBody, Refused } from "../api/problems";
import type { Block } from "../log/types";
import { newId } from "./ids";
import { keep, keysUnder, read } from "./kept";
import { onReturn, Patience } from "./patience";
import { Store } from "./store";
import { goneTabs, tabName } from "./tab";

/** A turn that is to be asked for. `content` is null where an answer is made again. */
export type Entry = Readonly<{
  /** The message's id; of a turn without one, an id of the entry's own. */
  id: string;
  key: string;
  /** Null until the conversation has been made, as `create` says. */
  conversation: string | null;
  create: api.NewConversation | null;
  content: readonly Block[] | null;
  parent_id: string | null;
  /** The message follows whatever the turn before it leaves; that turn, once it is known. */
  queued: boolean;
  after_turn: string | null;
  /** Set once the server has taken it: the event that says so. */
  seq: number | null;
  /** Why the server does not take it; the person decides what becomes of it. */
  problem: ProblemBody | null;
}>;

export type Draft = Omit<Entry, "id" | "key" | "seq" | "problem">;

const UNDER = "outbox.";

export class Outbox {
  readonly store = new Store<readonly Entry[]>([]);
  /** A conversation was made for a message. */
  onCreated: (entry: Entry, header: api.Header) => void = () => {};
  private readonly patience = new Patience();
  private readonly lastTurns = new Map<string, string>();
  /** How far each conversation is shown. */
  private readonly shownTo = new Map<string, number>();
  private tab: string | null = null;
  private delivering = false;

  /** Take up what this tab, and tabs that are gone, have left; deliver whenever there is hope. */
  async start(): Promise<void> {
    onReturn(this.patience.hurry);
    const tab = await tabName();
    const others = keysUnder(UNDER).filter((name) => name !== tab);
    const left = [tab, ...(await goneTabs(others))];
    const entries = left.flatMap((name) => read<Entry[]>(UNDER + name, []));
    for (const name of left) {
      keep(UNDER + name, undefined);
    }
    this.tab = tab;
    this.put([...entries, ...this.store.get()]);
    void this.deliver();
  }

  add(draft: Draft): Entry {
    const entry = { ...draft, id: newId(), key: newId(), seq: null, problem: null };
    this.put([...this.store.get(), entry]);
    void this.deliver();
    return entry;
  }

  /** Send it anew: under another key, because the old one would get the old answer. */
  again(id: string): void {
    this.change(id, { key: newId(), problem: null });
    void this.deliver();
  }

  /** Send it as the first message of a conversation that is to be made: its own is gone. */
  anew(id: string): void {
    const first = { conversation: null, create: {}, parent_id: null, queued: false, after_turn: null };
    this.change(id, first);
    this.again(id);
  }

  drop(id: string): void {
    this.put(this.store.get().filter((entry) => entry.id !== id));
    void this.deliver();
  }

  /** The conversation was deleted, with all that was to be said in it. */
  forget(conversation: string): void {
    this.put(this.store.get().filter((entry) => entry.conversation !== conversation));
    void this.deliver();
  }

  /** Events up to `seq` of a conversation are shown: what they hold is no longer shown from here. */
  shown(conversation: string, seq: number): void {
    this.shownTo.set(conversation, seq);
    const left = this.store
      .get()
      .filter((entry) => entry.conversation !== conversation || entry.seq === null || entry.seq > seq);
    if (left.length < this.store.get().length) {
      this.put(left);
    }
  }

  private put(entries: readonly Entry[]): void {
    this.store.set(entries);
    const unsent = entries.filter((entry) => entry.seq === null);
    if (this.tab !== null) {
      keep(UNDER + this.tab, unsent.length > 0 ? unsent : undefined);
    }
  }

  private change(id: string, changes: Partial<Entry>): void {
    this.put(this.store.get().map((entry) => (entry.id === id ? { ...entry, ...changes } : entry)));
  }

  private find(id: string): Entry | undefined {
    return this.store.get().find((entry) => entry.id === id);
  }

  private next(): Entry | undefined {
    const stuck = new Set<string | null>();
    for (const entry of this.store.get()) {
      if (entry.seq !== null || stuck.has(entry.conversation)) {
        continue;
      }
      if (entry.problem === null) {
        return entry;
      }
      stuck.add(entry.conversation); // what follows it would answer something else
    }
    return undefined;
  }

  private async deliver(): Promise<void> {
    if (this.delivering || this.tab === null) {
      return;
    }
    this.delivering = true;
    for (let entry = this.next(); entry !== undefined; entry = this.next()) {
      await this.tried(entry.id);
    }
    this.delivering = false;
  }

  private async tried(id: string): Promise<void> {
    try {
      await this.sent(id);
      this.patience.reset();
    } catch (error) {
      if (error instanceof Refused && !error.isPassing) {
        this.change(id, { problem: error.problem });
        return;
      }
      await this.patience.wait(error instanceof Refused ? (error.retryAfterMs ?? 0) : 0);
    }
  }

  /** What is sent is kept before it is sent, so that a second try says the same. */
  private async sent(id: string): Promise<void> {
    const first = this.find(id);
    if (first !== undefined && first.conversation === null) {
      const header = await api.create(first.create ?? {});
      this.change(id, { conversation: header.id });
      this.onCreated(first, header);
    }
    const entry = this.find(id);
    const conversation = entry?.conversation ?? null;
    if (entry === undefined || conversation === null) {
      return;
    }
    if (entry.queued && entry.after_turn === null) {
      this.change(id, { after_turn: this.lastTurns.get(conversation) ?? null });
    }
    const final = this.find(id) ?? entry;
    const accepted = await api.send(conversation, turnOf(final), final.key);
    this.lastTurns.set(conversation, accepted.turn_id);
    this.change(id, { seq: accepted.seq });
    this.shown(conversation, this.shownTo.get(conversation) ?? 0); // its events may have come first
  }
}

/** The conversations with a message that is not sent yet, as one value that can be compared. */
export function unsentIn(entries: readonly Entry[]): string {
  return entries.flatMap(({ conversation, seq }) => (seq === null && conversation) || []).join(" ");
}

function turnOf(entry: Entry): api.NewTurn {
  const { content, id, parent_id, after_turn } = entry;
  const asked = content === null ? {} : { content, message_id: id };
  const place = after_turn === null || content === null ? { parent_id } : { after_turn };
  return { ...asked, ...place } as unknown as api.NewTurn; // blocks are typed loosely here, as the log has them
}
