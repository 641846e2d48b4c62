/**
 * Which conversation was begun at which place of this tab's history. A first message is said at `/`; should the
 * page be loaded again, or come back to, before the address there says which conversation was made for it, the
 * message leads to it.
 */

import { keep, read } from "../live/kept";

const KEPT = "begun";

/** Conversations by the first message that was said in each. */
export type Begun = Readonly<Record<string, string>>;

function readBegun(): Begun {
  return read<Begun>(KEPT, {}, "sessionStorage");
}

/** A conversation was made for a message that was said here. */
export function keepBegun(message_id: string, conversation: string): void {
  keep(KEPT, { ...readBegun(), [message_id]: conversation }, "sessionStorage");
}

/** The place of the history that is shown now is where this message was said. */
export function saidHere(message_id: string): void {
  history.replaceState({ message_id }, "");
}

/** The conversation that was begun at the place of the history that is shown now. */
export function begunHere(): string | null {
  return leadsTo(history.state, readBegun());
}

/** Pure: `state` is what the browser's history holds for a place, of this page or of another version of it. */
export function leadsTo(state: unknown, begun: Begun): string | null {
  const { message_id } = Object(state);
  const isKnown = typeof message_id === "string" && Object.hasOwn(begun, message_id);
  return isKnown ? (begun[message_id] ?? null) : null;
}
