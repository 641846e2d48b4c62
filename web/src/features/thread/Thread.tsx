import { useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Actions } from "../../live/actions";
import type { Outbox } from "../../live/outbox";
import { useStore } from "../../live/store";
import { Down } from "../../ui/icons";
import { Announcer } from "./Announcer";
import { Answer } from "./Answer";
import { Reaching } from "./context";
import { Editor } from "./Editor";
import type { Action } from "./endings";
import { Outgoing } from "./Outgoing";
import { Question } from "./Question";
import type { Row } from "./rows";
import { type Aim, useAim } from "./useAim";
import { useRows } from "./useRows";
import { useScroll } from "./useScroll";

/** How many rows are drawn at first, and how many more when the reader comes to the first of them. */
const PAGE = 30;

type Props = {
  actions: Actions;
  outbox: Outbox;
  editing: string | null;
  setEditing: (message_id: string | null) => void;
  act: (action: Action, turn_id: string) => void;
  /** The message that the reader wants to see. */
  aim: Aim | null;
};

/** The transcript of a conversation: its newest rows, and older ones as the reader goes up. */
export function Thread({ actions, outbox, editing, setEditing, act, aim }: Props) {
  const { live } = actions;
  const rows = useRows(live, outbox);
  const phase = useStore(live.store, (view) => view.phase);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { away, toEnd, letGo } = useScroll(scroller, content);
  const { shown, older, show } = usePaging(scroller, rows.length);
  const reach = useMemo(() => ({ actions, act, editing, setEditing }), [actions, act, editing, setEditing]);

  const astray = useAstray(actions, rows, editing);

  const lastKey = rows.findLast((row) => row.kind !== "answer")?.key;
  useLayoutEffect(() => {
    if (lastKey !== undefined) {
      toEnd();
    }
  }, [lastKey, toEnd]);
  useAim(aim, phase === "ready", { actions, rows, scroller, shown, show, letGo });

  return (
    <Reaching value={reach}>
      <div
        className="scroller"
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label="Conversation"
        aria-live="off"
      >
        <div className="column" ref={content}>
          {shown < rows.length && (
            <p className="older">
              <button type="button" className="quiet" onClick={older}>
                Show older messages
              </button>
            </p>
          )}
          {phase === "loading" && rows.length === 0 && <Waiting />}
          <ol className="rows">
            {rows.slice(-shown).map((row) => (
              <li key={row.key} className="row" data-row={row.key}>
                <One row={row} outbox={outbox} />
              </li>
            ))}
            {astray !== null && (
              <li className="row">
                <Editor message={astray} />
              </li>
            )}
          </ol>
        </div>
      </div>
      {away && (
        <button type="button" className="to-end" onClick={toEnd} aria-label="Go to the newest message">
          <Down />
        </button>
      )}
      <Announcer live={live} />
    </Reaching>
  );
}

function One({ row, outbox }: { row: Row; outbox: Outbox }) {
  switch (row.kind) {
    case "question":
      return <Question row={row} />;
    case "answer":
      return <Answer row={row} />;
    case "outgoing":
      return <Outgoing id={row.key} outbox={outbox} />;
  }
}

/** The message that is being edited, if it is on a branch that is no longer shown. */
function useAstray(actions: Actions, rows: readonly Row[], editing: string | null) {
  const shown = rows.some((row) => row.kind === "question" && row.message_id === editing);
  return editing === null || shown ? null : (actions.live.state.messages[editing] ?? null);
}

function Waiting() {
  return (
    <div className="skeleton" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  );
}

/** More rows when the reader comes near the first one; what was under their eyes stays there. */
function usePaging(scroller: React.RefObject<HTMLDivElement | null>, rows: number) {
  const [shown, setShown] = useState(PAGE);
  const before = useRef<number | null>(null);
  const older = () => {
    const node = scroller.current;
    before.current = node === null ? null : node.scrollHeight - node.scrollTop;
    setShown((count) => count + PAGE);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is for the moment after rows were added
  useLayoutEffect(() => {
    const node = scroller.current;
    if (node !== null && before.current !== null) {
      node.scrollTop = node.scrollHeight - before.current;
      before.current = null;
    }
  }, [shown]);
  const grow = useRef(older);
  grow.current = shown < rows ? older : () => {};
  useLayoutEffect(() => {
    const node = scroller.current;
    const scrolled = () => {
      if (node !== null && node.scrollTop < 400 && node.scrollHeight > node.clientHeight + 400) {
        grow.current();
      }
    };
    node?.addEventListener("scroll", scrolled, { passive: true });
    return () => node?.removeEventListener("scroll", scrolled);
  }, [scroller]);
  return { shown, older, show: setShown };
}
