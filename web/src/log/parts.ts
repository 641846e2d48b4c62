/** Values that the fold makes. */

import type { Events, Kept } from "./events";
import type { Approval, Message, Problem, Retry, ToolRun, Turn, Usage } from "./types";
import { NO_USAGE } from "./types";

export function newTurn(id: string, message_id: string | null): Turn {
  return {
    id,
    message_id,
    parent_id: null,
    status: "queued",
    steps: [],
    attempt: 0,
    writing: null,
    tools: [],
    approvals: [],
    retries: [],
    fallbacks: [],
    stop_reason: null,
    model: null,
    usage: NO_USAGE,
    cost_nanodollars: 0,
    saved_nanodollars: 0,
    error: null,
  };
}

export function addUsage(a: Usage, b: Partial<Usage> = {}): Usage {
  const sum: Record<string, number> = { ...a };
  for (const kind of Object.keys(NO_USAGE) as (keyof Usage)[]) {
    sum[kind] = a[kind] + (b[kind] ?? 0);
  }
  return sum as Usage;
}

export function problemOf(told: Partial<Problem>): Problem {
  const { name = "", title = "", detail = "", retryable = false, retry_after_s = null, facts = null } = told;
  return { name, title, detail, retryable, retry_after_s, facts };
}

/** The assistant's message that is left of the step after the last whole one, if anything is. */
export function keptMessage(turn: Turn, kept: Kept): Message | null {
  const id = turn.steps[kept.steps]?.[0];
  if (id === undefined || !kept.blocks?.length) {
    return null;
  }
  const before = kept.steps > 0 ? turn.steps[kept.steps - 1]?.at(-1) : undefined;
  return {
    id,
    parent_id: before ?? turn.message_id ?? turn.parent_id,
    role: "assistant",
    content: kept.blocks,
    turn_id: turn.id,
    model: turn.model,
  };
}

/** A tool's run as it begins. */
export function runOf({ tool_use_id, name, input }: Events["tool_start"]): ToolRun {
  return { tool_use_id, name, input, is_error: false, content: null };
}

export function withResult(runs: readonly ToolRun[], event: Events["tool_end"]): readonly ToolRun[] {
  const { tool_use_id, is_error, content } = event;
  return runs.map((run) => (run.tool_use_id === tool_use_id ? { ...run, is_error, content } : run));
}

/** What a person is asked by the event. */
export function approvalOf(event: Events["approval_request"]): Approval {
  const { approval_id: id, tool_use_id, name, input, expires_at } = event;
  return { id, tool_use_id, name, input, expires_at, decision: null, reason: "", by: "" };
}

/** The turn goes on when nothing is left to be decided. */
export function resolved(turn: Turn, event: Events["approval_resolve"]): Pick<Turn, "approvals" | "status"> {
  const { approval_id, decision, reason = "", by = "" } = event;
  const approvals = turn.approvals.map((approval) =>
    approval.id === approval_id ? { ...approval, decision, reason, by } : approval,
  );
  const waits = approvals.some((approval) => approval.decision === null);
  return { approvals, status: waits ? "waiting" : "running" };
}

/** The attempts that failed, with the one that `step` is tried again after. */
export function retriesOf(turn: Turn, step: number): readonly Retry[] {
  const { attempt, model, error } = turn;
  return error === null ? turn.retries : [...turn.retries, { step, attempt, model: model ?? "", error }];
}
