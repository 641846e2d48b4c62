/** The events that the fold has a rule for, with the fields it reads. */

import type { Block, Decision, Ended, Fallback, Problem, Role, Usage } from "./types";

export type Kept = { steps: number; blocks?: readonly Block[] };

/** As a `head`: unchanged. */
export const HEAD = "head";

export type Events = {
  conversation_create: {
    title?: string;
    system?: string;
    model?: string;
    options?: Record<string, unknown>;
    tools?: readonly string[];
  };
  settings_change: {
    system?: string | null;
    model?: string | null;
    options?: Record<string, unknown> | null;
    tools?: readonly string[] | null;
  };
  title_change: { title: string };
  head_move: { message_id: string | null };
  message_add: {
    message_id: string;
    turn_id: string;
    content: readonly Block[];
    parent_id?: string | null;
    role?: Role;
  };
  turn_queue: { turn_id: string; message_id: string | null };
  turn_start: { turn_id: string; message_id: string | null; parent_id: string | null };
  step_start: { step: number; attempt: number; message_id: string; parent_id: string | null; model: string };
  block_start: { index: number; block: Block };
  block_delta: { index: number; delta: Record<string, unknown> };
  block_end: { index: number; block: Block };
  tool_start: { tool_use_id: string; name: string; input: unknown };
  tool_end: { tool_use_id: string; is_error: boolean; content: readonly Block[] };
  approval_request: {
    approval_id: string;
    tool_use_id: string;
    name: string;
    input: unknown;
    expires_at: number;
  };
  approval_resolve: { approval_id: string; decision: Decision; reason?: string; by?: string };
  model_change: Fallback;
  step_end: {
    model: string;
    stop_reason: string;
    usage: Partial<Usage>;
    cost_nanodollars: number;
    saved_nanodollars?: number;
  };
  error: { error: Partial<Problem>; usage?: Partial<Usage>; cost_nanodollars?: number };
  turn_end: {
    turn_id: string;
    status: Ended;
    kept: Kept;
    head: string | null;
    error?: Partial<Problem> | null;
  };
};

export type EventType = keyof Events;
