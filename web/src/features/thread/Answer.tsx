import { memo, useMemo } from "react";
import { spoken } from "../../live/server";
import { textOf } from "../../log/blocks";
import { isOver, type Turn } from "../../log/types";
import { CopyButton } from "../../ui/CopyButton";
import { Again } from "../../ui/icons";
import { Blocks } from "./Blocks";
import { Branches } from "./Branches";
import { useReach, useShown } from "./context";
import { Detours } from "./Detours";
import { EndNote } from "./EndNote";
import { Facts } from "./Facts";
import type { AnswerRow } from "./rows";

/** What a turn has said, says now, and how it ended. */
export const Answer = memo(function Answer({ row }: { row: AnswerRow }) {
  const turn = useShown((state) => state.turns[row.turn_id]);
  const ids = useMemo(() => row.message_ids.split(" ").filter(Boolean), [row.message_ids]);
  if (turn === undefined) {
    return null;
  }
  const running = !isOver(turn.status);
  const writing = turn.writing?.id;
  const parts = writing === undefined || ids.includes(writing) ? ids : [...ids, writing];
  return (
    <article className="answer" aria-label="Answer" aria-busy={running}>
      {parts.map((id) => (
        <Part key={id} id={id} turn={turn} />
      ))}
      <Detours turn={turn} />
      {running ? <Progress turn={turn} /> : <EndNote row={row} turn={turn} />}
      {!running && ids.length > 0 && <Footer turn={turn} ids={ids} isLast={row.isLast} />}
    </article>
  );
});

/** A message of the turn: the same element while it is written and afterwards, so that nothing is drawn anew. */
const Part = memo(function Part({ id, turn }: { id: string; turn: Turn }) {
  const whole = useShown((state) => state.messages[id]);
  const writing = turn.writing?.id === id ? turn.writing : null;
  const content = (writing ?? whole)?.content;
  return content && <Blocks content={content} turn={turn} streaming={writing !== null} />;
});

/** What happens while nothing can be read yet. */
function Progress({ turn }: { turn: Turn }) {
  const last = turn.writing?.content.at(-1);
  const isVisible = last?.type === "text" && last.text !== "";
  return (
    <p className={isVisible ? "progress unseen" : "progress"}>
      <span className="pulse" aria-hidden="true" />
      <span>{words(turn, last?.type)}</span>
    </p>
  );
}

function words(turn: Turn, block: string | undefined): string {
  if (turn.status === "waiting") {
    return "Waiting for your decision";
  }
  if (turn.error !== null) {
    return `${turn.error.detail} Trying again…`;
  }
  const again = turn.attempt > 1 ? `Trying again (attempt ${turn.attempt}): ` : "";
  const model = spoken(turn.model ?? "");
  if (block === "thinking" || block === "redacted_thinking") {
    return `${again}${model} is thinking`;
  }
  if (turn.tools.some((run) => run.content === null)) {
    return `${again}A tool is running`;
  }
  return `${again}${model ? `${model} is answering` : "Waiting for the model"}`;
}

function Footer({ turn, ids, isLast }: { turn: Turn; ids: readonly string[]; isLast: boolean }) {
  const { actions } = useReach();
  const text = useShown((state) => ids.map((id) => textOf(state.messages[id]?.content ?? [])).join("\n\n"));
  return (
    <footer className={isLast ? "tools last" : "tools"}>
      <Branches message_id={ids[0] ?? ""} />
      <CopyButton text={text} label="Copy answer" />
      <button
        type="button"
        className="icon"
        aria-label="Answer again"
        title="Answer again"
        onClick={() => actions.again(turn.id)}
      >
        <Again />
      </button>
      <Facts turn={turn} />
    </footer>
  );
}
