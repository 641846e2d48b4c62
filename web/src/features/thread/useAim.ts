import { type RefObject, useEffect, useRef } from "react";
import type { Actions } from "../../live/actions";
import { notify } from "../../live/notices";
import type { Conversation } from "../../log/types";
import type { Row } from "./rows";

export type Aim = Readonly<{ message_id: string }>;

type Place = {
  actions: Actions;
  rows: readonly Row[];
  scroller: RefObject<HTMLElement | null>;
  /** How many of the last rows are drawn. */
  shown: number;
  show: (count: number) => void;
  /** Stop following the end. */
  letGo: () => void;
};

const MARKED_MS = 2_500;

/** Brings the reader to a message, once for each time they ask: on another branch too, and far up. */
export function useAim(aim: Aim | null, ready: boolean, place: Place): void {
  const done = useRef<Aim | null>(null);
  const moved = useRef<Aim | null>(null);
  useEffect(() => {
    if (aim === null || !ready || done.current === aim) {
      return;
    }
    const { actions, rows, shown } = place;
    const { state } = actions.live;
    const index = rows.findIndex((row) => isIn(row, aim.message_id, state));
    const message = state.messages[aim.message_id];
    if (index >= 0 && shown < rows.length - index) {
      place.show(rows.length - index + 5);
    } else if (index >= 0) {
      done.current = aim;
      place.letGo();
      bring(place.scroller.current, rows[index]?.key ?? "");
    } else if (message === undefined || state.running !== null) {
      done.current = aim;
      notify(message === undefined ? GONE : BUSY);
    } else if (moved.current !== aim) {
      moved.current = aim;
      actions.show(message);
    }
  });
}

const GONE = "This message is not part of the conversation any more.";
const BUSY = "This message is on another branch. An answer is being written: stop it to look there.";

function isIn(row: Row, message_id: string, state: Conversation): boolean {
  if (row.kind === "question") {
    return row.message_id === message_id;
  }
  if (row.kind === "outgoing") {
    return false;
  }
  const message = state.messages[message_id];
  const isResult = message?.role === "user" && message.turn_id === row.turn_id;
  return isResult
    ? state.turns[row.turn_id]?.message_id !== message_id
    : row.message_ids.includes(message_id);
}

/** Rows that were never drawn have a height that is only guessed: it is brought into view twice. */
function bring(scroller: HTMLElement | null, key: string): void {
  const node = scroller?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`);
  if (!node) {
    return;
  }
  const reach = () => {
    const isLong = node.offsetHeight > (scroller?.clientHeight ?? 0);
    node.scrollIntoView({ block: isLong ? "start" : "center" });
  };
  reach();
  requestAnimationFrame(() => requestAnimationFrame(reach));
  node.tabIndex = -1;
  node.focus({ preventScroll: true });
  node.classList.add("aimed");
  setTimeout(() => node.classList.remove("aimed"), MARKED_MS);
}
