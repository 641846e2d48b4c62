/** What stands in a conversation, from top to bottom: pure, from its state and what was not yet sent. */

import { isDead, isQuestionOf, pathTo } from "../../log/tree";
import type { Conversation, Message, Turn } from "../../log/types";
import { isOver } from "../../log/types";

export type QuestionRow = Readonly<{
  kind: "question";
  key: string;
  message_id: string;
  turn_id: string;
  standing: "sent" | "queued" | "dead";
}>;

/** What a turn left, or leaves while it runs; without messages only how it ended. */
export type AnswerRow = Readonly<{
  kind: "answer";
  key: string;
  turn_id: string;
  message_ids: string;
  /** It is the newest of the conversation: what can be done about its end is on offer. */
  isLast: boolean;
}>;

/** On its way to the server; `key` is the entry's id. */
export type OutgoingRow = Readonly<{ kind: "outgoing"; key: string }>;

export type Row = QuestionRow | AnswerRow | OutgoingRow;

/** What the outbox holds for the conversation. */
export type Outgoing = Readonly<{ id: string; parent_id: string | null; queued: boolean }>;

export function rowsOf(state: Conversation, outgoing: readonly Outgoing[] = []): Row[] {
  const turns = Object.values(state.turns);
  const unseen = outgoing.filter((entry) => state.messages[entry.id] === undefined);
  const branch = unseen.find((entry) => !entry.queued && entry.parent_id !== state.head);
  const path = pathTo(state, branch === undefined ? state.head : branch.parent_id);
  const lastTurn = turns.findLast((turn) => turn.status !== "queued")?.id ?? null;
  const rows: Row[] = [];
  const dead = deadByPlace(state, turns);
  addDead(rows, dead.get(null), lastTurn);
  for (const message of path) {
    addMessage(rows, state, message, lastTurn);
    addDead(rows, dead.get(message.id), lastTurn);
  }
  if (branch === undefined) {
    addEnd(rows, state, turns, path.at(-1), lastTurn);
  }
  for (const turn of turns) {
    if (turn.status === "queued" && turn.message_id !== null && state.messages[turn.message_id]) {
      rows.push(question(turn.message_id, turn.id, "queued"));
    }
  }
  rows.push(...unseen.map((entry): Row => ({ kind: "outgoing", key: entry.id })));
  return rows;
}

function question(message_id: string, turn_id: string, standing: QuestionRow["standing"]): QuestionRow {
  return { kind: "question", key: message_id, message_id, turn_id, standing };
}

function answer(turn_id: string, message_ids: string, lastTurn: string | null): AnswerRow {
  return { kind: "answer", key: `answer ${turn_id}`, turn_id, message_ids, isLast: turn_id === lastTurn };
}

/** A step's message joins those of its turn; tool results are shown with their tool use. */
function addMessage(rows: Row[], state: Conversation, message: Message, lastTurn: string | null): void {
  if (isQuestionOf(state, message)) {
    rows.push(question(message.id, message.turn_id, "sent"));
    return;
  }
  const before = rows.at(-1);
  if (before?.kind === "answer" && before.turn_id === message.turn_id) {
    const ids = message.role === "assistant" ? `${before.message_ids} ${message.id}` : before.message_ids;
    rows[rows.length - 1] = { ...before, message_ids: ids.trim() };
  } else {
    rows.push(answer(message.turn_id, message.role === "assistant" ? message.id : "", lastTurn));
  }
}

/** Dead turns by the message that their question followed. A dead attempt to answer again has no place. */
function deadByPlace(state: Conversation, turns: readonly Turn[]): Map<string | null, Turn[]> {
  const dead = new Map<string | null, Turn[]>();
  for (const turn of turns) {
    const asked = turn.message_id === null ? undefined : state.messages[turn.message_id];
    if (isDead(turn) && asked !== undefined) {
      dead.set(asked.parent_id, [...(dead.get(asked.parent_id) ?? []), turn]);
    }
  }
  return dead;
}

function addDead(rows: Row[], turns: readonly Turn[] | undefined, lastTurn: string | null): void {
  for (const turn of turns ?? []) {
    if (turn.message_id !== null) {
      rows.push(question(turn.message_id, turn.id, "dead"), answer(turn.id, "", lastTurn));
    }
  }
}

/** The answer under way, or how the last turn ended where it left no message. */
function addEnd(
  rows: Row[],
  state: Conversation,
  turns: readonly Turn[],
  head: Message | undefined,
  lastTurn: string | null,
): void {
  const last = rows.at(-1);
  if (state.running !== null) {
    if (!(last?.kind === "answer" && last.turn_id === state.running)) {
      rows.push(answer(state.running, "", lastTurn));
    }
    return;
  }
  const latest = turns.findLast((turn) => isOver(turn.status) && concerns(turn, head));
  const isAnswered = last?.kind === "answer" && last.turn_id === latest?.id;
  if (latest !== undefined && !isAnswered) {
    const isFailedAgain = isDead(latest) && latest.message_id === null && latest.id === lastTurn;
    if (isFailedAgain || (head !== undefined && isQuestionOf(state, head) && !isDead(latest))) {
      rows.push(answer(latest.id, "", lastTurn));
    }
  }
}

/** Whether the turn was to answer the message, or answered what it answers. */
function concerns(turn: Turn, head: Message | undefined): boolean {
  if (head === undefined) {
    return false;
  }
  const asked = turn.message_id ?? turn.parent_id;
  return asked === head.id || (turn.message_id === null && asked === head.parent_id);
}

/** Whether nothing that rows are made of has changed: most of what comes is more text of the running answer. */
export function isOrdered(before: Conversation, after: Conversation): boolean {
  const isSameTree =
    before.messages === after.messages && before.head === after.head && before.running === after.running;
  return isSameTree && (before.turns === after.turns || areAlike(before, after));
}

function areAlike({ turns: before }: Conversation, { turns: after }: Conversation): boolean {
  const ids = Object.keys(after);
  const isAlike = (a: Turn | undefined, b: Turn | undefined) =>
    a?.status === b?.status && a?.message_id === b?.message_id && a?.parent_id === b?.parent_id;
  return ids.length === Object.keys(before).length && ids.every((id) => isAlike(before[id], after[id]));
}

export function isSame(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, index) => isSameRow(row, b[index] as Row));
}

function isSameRow(a: Row, b: Row): boolean {
  const other = b as Record<string, unknown>;
  return Object.entries(a).every(([field, value]) => other[field] === value);
}
