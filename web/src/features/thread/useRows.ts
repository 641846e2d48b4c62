import { useRef, useSyncExternalStore } from "react";
import type { LiveConversation } from "../../live/conversation";
import type { Entry, Outbox } from "../../live/outbox";
import type { Conversation } from "../../log/types";
import { isOrdered, isSame, type Row, rowsOf } from "./rows";

/** The rows of a conversation; the same value as long as none of them is another. */
export function useRows(live: LiveConversation, outbox: Outbox): readonly Row[] {
  const kept = useRef<{ state: Conversation; entries: readonly Entry[]; rows: readonly Row[] }>(null);
  const read = () => {
    const { state } = live.store.get();
    const entries = outbox.store.get();
    const before = kept.current;
    if (before !== null && before.entries === entries && isOrdered(before.state, state)) {
      return before.rows;
    }
    const made = rowsOf(state, entriesOf(entries, live.id));
    const rows = before !== null && isSame(before.rows, made) ? before.rows : made;
    kept.current = { state, entries, rows };
    return rows;
  };
  const subscribe = useRef((listener: () => void) => {
    const undo = [live.store.subscribe(listener), outbox.store.subscribe(listener)];
    return () => {
      for (const each of undo) {
        each();
      }
    };
  });
  return useSyncExternalStore(subscribe.current, read);
}

export function entriesOf(entries: readonly Entry[], conversation: string): Entry[] {
  return entries.filter((entry) => entry.conversation === conversation);
}
