/** The tree of messages: paths, branches, and what of it can be shown. */

import type { Conversation, Message, Turn } from "./types";

/** The messages from the root to `id`; what is not there ends the path. */
export function pathTo(state: Conversation, id: string | null): Message[] {
  const path: Message[] = [];
  let message = id === null ? undefined : state.messages[id];
  while (message !== undefined) {
    path.push(message);
    message = message.parent_id === null ? undefined : state.messages[message.parent_id];
  }
  return path.reverse();
}

/** A turn that left nothing: its message is shown with what went wrong, and is no branch. */
export function isDead(turn: Turn | undefined): boolean {
  return turn?.status === "refused" || turn?.status === "failed";
}

export type Children = ReadonlyMap<string | null, readonly Message[]>;

const known = new WeakMap<Conversation["messages"], Children>();

/** The messages that follow each message, oldest first; those that have no place yet are left out. */
export function childrenOf(state: Conversation): Children {
  const before = known.get(state.messages);
  if (before !== undefined) {
    return before;
  }
  const children = new Map<string | null, Message[]>();
  for (const message of Object.values(state.messages)) {
    const turn = state.turns[message.turn_id];
    const isQuestion = turn?.message_id === message.id;
    if (!(isQuestion && (turn.status === "queued" || isDead(turn)))) {
      const siblings = children.get(message.parent_id);
      if (siblings === undefined) {
        children.set(message.parent_id, [message]);
      } else {
        siblings.push(message);
      }
    }
  }
  known.set(state.messages, children);
  return children;
}

/** The branches at a message: those that stand beside it, itself included. */
export function branchesAt(state: Conversation, message: Message): readonly Message[] {
  const siblings = childrenOf(state).get(message.parent_id) ?? [];
  const isQuestion = isQuestionOf(state, message);
  return siblings.filter((other) => other.role === message.role && isQuestionOf(state, other) === isQuestion);
}

/** Whether a person wrote it; tool results stand on the user's side too. */
export function isQuestionOf(state: Conversation, message: Message): boolean {
  return message.role === "user" && state.turns[message.turn_id]?.message_id === message.id;
}

/** Where a branch goes on: its newest end. */
export function endOf(state: Conversation, id: string): string {
  const children = childrenOf(state);
  let at = id;
  for (let next = children.get(at)?.at(-1); next !== undefined; next = children.get(at)?.at(-1)) {
    at = next.id;
  }
  return at;
}
