/** Why an answer ended, in words, and what can be done about it. Nothing for one that simply ended. */

import { budgetWords, dateWords, usdWords } from "../../live/budgets";
import { textOf } from "../../log/blocks";
import type { Conversation, Turn } from "../../log/types";

export type Action = "continue" | "again" | "summary" | "edit" | "model" | "new";

export type Ending = Readonly<{ tone: "calm" | "wrong"; text: string; actions: readonly Action[] }>;

export const ACTION_WORDS: Readonly<Record<Action, string>> = {
  continue: "Continue",
  again: "Try again",
  summary: "Start from a summary",
  edit: "Edit message",
  model: "Ask another model",
  new: "New conversation",
};

export const CONTINUE = "Continue from where you stopped.";

export function endingOf(turn: Turn, state: Conversation): Ending | null {
  switch (turn.status) {
    case "queued":
    case "running":
    case "waiting":
      return null;
    case "completed":
      return completed(turn, state);
    case "cancelled":
      return calm("You stopped this answer.", said(turn, state) ? ["continue", "again"] : ["again"]);
    case "refused":
      return calm(turn.error?.detail ?? "Claude declined to answer this message.", ["edit", "model"]);
    case "interrupted":
      return wrong(
        turn,
        "The answer broke off; what was written is kept.",
        said(turn, state) ? ["continue", "again"] : ["again", "model"],
      );
    case "over_budget":
      return overBudget(turn);
    case "failed":
      return wrong(turn, "There was no answer. Your message is kept here.", failedActions(turn));
  }
}

function failedActions(turn: Turn): Action[] {
  switch (turn.error?.name) {
    case "upstream-rejected":
      return ["edit", "model"];
    case "too-large":
      return ["edit", "new"];
    default:
      return ["again", "model"];
  }
}

/** By the stop reasons of the Messages API reference. */
function completed(turn: Turn, state: Conversation): Ending | null {
  switch (turn.stop_reason) {
    case "max_tokens":
      return calm("The answer reached the longest length allowed.", ["continue"]);
    case "model_context_window_exceeded":
      return calm(
        "The conversation has filled the model’s window, so the answer stops here. " +
          "Where it is asked again, a summary takes the place of what was said first.",
        ["summary", "continue", "model", "new"],
      );
    case "tool_use":
      return calm("Claude asked for a tool that is not on offer here.", ["continue", "again"]);
    case "end_turn":
    case "stop_sequence":
    case null:
      return said(turn, state) ? null : calm("Claude ended without saying anything.", ["continue", "again"]);
    default:
      return calm(`The answer ended for a reason that is new here: ${turn.stop_reason}.`, ["continue"]);
  }
}

/** Which budget, what is left of it, and when it begins anew. */
function overBudget(turn: Turn): Ending {
  const { budget, left_usd, resets_at } = turn.error?.facts ?? {};
  if (!budget || !left_usd) {
    return wrong(turn, "The budget does not allow this answer.", ["again", "model"]);
  }
  const again = resets_at ? ` It begins anew ${dateWords(resets_at)}.` : "";
  const text = `${budgetWords(budget)}: ${usdWords(left_usd)} left, which does not cover this answer. Nothing was sent.`;
  return { tone: "wrong", text: text + again, actions: ["again", "model"] };
}

function calm(text: string, actions: Action[]): Ending {
  return { tone: "calm", text, actions };
}

function wrong(turn: Turn, otherwise: string, actions: Action[]): Ending {
  return { tone: "wrong", text: turn.error?.detail || otherwise, actions };
}

function said(turn: Turn, state: Conversation): boolean {
  return turn.steps.flat().some((id) => {
    const message = state.messages[id];
    return message?.role === "assistant" && textOf(message.content).trim() !== "";
  });
}
