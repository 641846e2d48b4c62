/** What happened on the way to an answer: attempts that failed, models that took over. */

import { spoken } from "../../live/server";
import { isOver, type Turn } from "../../log/types";

/** By the last part of a problem's type, or a stop reason. */
const REASONS: Readonly<Record<string, string>> = {
  refusal: "declined",
  refused: "declined",
  "upstream-busy": "was overloaded",
  "upstream-failed": "failed",
  "upstream-rejected": "could not take this conversation",
  deadline: "took too long",
};

/** Who took over from whom, and why: a sentence each. */
export function fallbackWords(turn: Turn): string[] {
  const verb = isOver(turn.status) ? "answered" : "answers";
  return turn.fallbacks.map(({ from_model, to_model, reason }, index) => {
    const last = index === turn.fallbacks.length - 1;
    const then = last ? verb : "was asked";
    return `${spoken(from_model)} ${REASONS[reason] ?? "did not answer"}; ${spoken(to_model)} ${then}.`;
  });
}

/** The attempts that came to nothing. */
export function retryWords(turn: Turn): string[] {
  return turn.retries.map(
    ({ model, attempt, error }) => `${spoken(model)}, attempt ${attempt}: ${error.detail || error.title}`,
  );
}

export function retrySummary(turn: Turn): string {
  const count = turn.retries.length;
  return count === 1 ? "Tried again once" : `Tried again ${count} times`;
}
