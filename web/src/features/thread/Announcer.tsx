import { useEffect, useState } from "react";
import type { LiveConversation } from "../../live/conversation";
import { textOf } from "../../log/blocks";
import { endingOf } from "./endings";

/** Between two announcements: a screen reader that is told every word says none of them. */
const GAP_MS = 1_500;

const SENTENCES = /^[\s\S]*[.!?:](?=\s)|^[\s\S]*\n/;

/** Tells a screen reader whole sentences of the answer as it is written, and how it ended. */
export function Announcer({ live }: { live: LiveConversation }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    let running = live.state.running;
    let told = 0;
    let message = "";
    const look = () => {
      const { state } = live;
      const turn = running === null ? undefined : state.turns[running];
      if (running !== null && state.running !== running) {
        const ending = turn === undefined ? null : endingOf(turn, state);
        const last = turn?.steps.at(-1)?.[0];
        const rest = last === undefined ? "" : textOf(state.messages[last]?.content ?? []).slice(told);
        setSaid(`${rest} ${ending?.text ?? "The answer is complete."}`.trim());
      } else if (turn?.writing) {
        if (turn.writing.id !== message) {
          message = turn.writing.id;
          told = 0;
        }
        const whole = SENTENCES.exec(textOf(turn.writing.content).slice(told))?.[0] ?? "";
        if (whole !== "") {
          told += whole.length;
          setSaid(whole);
        }
      }
      if (state.running !== running) {
        running = state.running;
        told = 0;
      }
    };
    const timer = setInterval(look, GAP_MS);
    return () => clearInterval(timer);
  }, [live]);
  return (
    <div className="unseen" role="status" aria-live="polite">
      {said}
    </div>
  );
}
