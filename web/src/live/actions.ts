/** What a person can do in a conversation, as entries of the outbox and requests. */

import * as api from "../api/conversations";
import { asSent } from "../log/blocks";
import { endOf, isQuestionOf } from "../log/tree";
import { type Block, type Conversation, isOver, type Message } from "../log/types";
import type { LiveConversation } from "./conversation";
import { notify, tried } from "./notices";
import type { Draft, Entry, Outbox } from "./outbox";
import { effortIn, modelOf, optionsFor, server } from "./server";

export class Actions {
  private readonly outbox: Outbox;
  readonly live: LiveConversation;

  constructor(outbox: Outbox, live: LiveConversation) {
    this.outbox = outbox;
    this.live = live;
  }

  private get state(): Conversation {
    return this.live.state;
  }

  /** Say something at the end: after all that runs and waits. */
  send(content: readonly Block[]): void {
    const unsent = this.outbox.store
      .get()
      .some((entry) => entry.conversation === this.live.id && entry.seq === null);
    const busy = Object.values(this.state.turns).findLast((turn) => !isOver(turn.status));
    const queued = unsent || busy !== undefined;
    this.add({ content, parent_id: this.state.head, queued, after_turn: unsent ? null : (busy?.id ?? null) });
  }

  /** Say something else in the place of `message`: a branch beside it. */
  edit(message: Message, content: readonly Block[]): void {
    this.add({ content, parent_id: message.parent_id });
  }

  /** Another answer to what `turn_id` answered; where its question is not part of the history, that anew. */
  again(turn_id: string): void {
    const turn = this.state.turns[turn_id];
    const asked = turn?.message_id ?? turn?.parent_id;
    const question = asked ? this.state.messages[asked] : undefined;
    if (turn === undefined || question === undefined) {
      return;
    }
    if (turn.message_id !== null && (turn.status === "refused" || turn.status === "failed")) {
      this.edit(question, question.content.map(asSent));
    } else {
      this.add({ content: null, parent_id: question.id });
    }
  }

  /** The question that a turn answered. */
  questionOf(turn_id: string): Message | undefined {
    const turn = this.state.turns[turn_id];
    const asked = turn?.message_id ?? turn?.parent_id;
    const message = asked ? this.state.messages[asked] : undefined;
    return message !== undefined && isQuestionOf(this.state, message) ? message : undefined;
  }

  stop(): void {
    if (this.state.running !== null) {
      void tried(this.live.stop(this.state.running));
    }
  }

  withdraw(turn_id: string): void {
    void tried(api.cancel(turn_id));
  }

  show(branch: Message): void {
    void tried(api.moveHead(this.live.id, endOf(this.state, branch.id)));
  }

  setModel(model: string): Promise<boolean> {
    const options = optionsFor(modelOf(server.get(), model), effortIn(this.state.options));
    return tried(api.change(this.live.id, { model, options }));
  }

  setEffort(effort: string): Promise<boolean> {
    const options = optionsFor(modelOf(server.get(), this.state.model), effort);
    return tried(api.change(this.live.id, { options }));
  }

  setSystem(system: string): Promise<boolean> {
    return tried(api.change(this.live.id, { system }));
  }

  private add(asked: Pick<Draft, "content" | "parent_id"> & Partial<Draft>): Entry {
    return this.outbox.add({
      conversation: this.live.id,
      create: null,
      queued: false,
      after_turn: null,
      ...asked,
    });
  }
}

/** The first message of a conversation that is to be made. */
export function begin(outbox: Outbox, content: readonly Block[], model: string, effort: string): Entry {
  const options = optionsFor(modelOf(server.get(), model), effort);
  const create = { model, options };
  return outbox.add({
    conversation: null,
    create,
    content,
    parent_id: null,
    queued: false,
    after_turn: null,
  });
}

/** Offer a conversation as a file. */
export async function download(id: string): Promise<void> {
  const read = api.exported(id);
  if (await tried(read)) {
    const document_ = await read;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(document_)], { type: "application/json" }));
    link.download = `${(document_.title || "conversation").replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "conversation"}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
}

/** Read a file that was exported; the new conversation's header, or null and a sentence why not. */
export async function upload(file: File): Promise<api.Header | null> {
  let document_: unknown;
  try {
    document_ = JSON.parse(await file.text());
  } catch {
    notify(`${file.name} is not a conversation that was exported from Antiphon.`);
    return null;
  }
  const made = api.imported(document_);
  return (await tried(made)) ? await made : null;
}
