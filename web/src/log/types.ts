/** The values of a conversation's log and of what it shows, as the wire spells them. */

/** A content block as the Messages API has it; never changed in place. */
export type Block = Readonly<{ type: string; [field: string]: unknown }>;

export type Role = "user" | "assistant";

/** One node of a conversation's tree. `model` says who wrote it; null on the user's side. */
export type Message = Readonly<{
  id: string;
  parent_id: string | null;
  role: Role;
  content: readonly Block[];
  turn_id: string;
  model: string | null;
}>;

/** Tokens by kind. `input_tokens` counts what was neither read from the cache nor written to it. */
export type Usage = Readonly<{
  input_tokens: number;
  cache_write_5m_tokens: number;
  cache_write_1h_tokens: number;
  cache_read_tokens: number;
  output_tokens: number;
  thinking_tokens: number;
  web_search_requests: number;
}>;

/** An error as people and programs read it; `name` is the last part of its problem type. */
export type Problem = Readonly<{
  name: string;
  title: string;
  detail: string;
  retryable: boolean;
  retry_after_s: number | null;
  facts: Record<string, string | null> | null;
}>;

/** A tool's run as shown. `content` is null while it runs. */
export type ToolRun = Readonly<{
  tool_use_id: string;
  name: string;
  input: unknown;
  is_error: boolean;
  content: readonly Block[] | null;
}>;

export type Decision = "allow" | "deny" | "edit" | "expire";

/** A tool use that a person is asked about. `decision` is null until one was made. */
export type Approval = Readonly<{
  id: string;
  tool_use_id: string;
  name: string;
  input: unknown;
  /** Milliseconds since the epoch. */
  expires_at: number;
  decision: Decision | null;
  reason: string;
  /** Who decided; nobody, where it expired. */
  by: string;
}>;

/** An attempt that failed and was followed by another of its step. */
export type Retry = Readonly<{ step: number; attempt: number; model: string; error: Problem }>;

/** Another model took a step over. */
export type Fallback = Readonly<{ step: number; from_model: string; to_model: string; reason: string }>;

export type Ended = "completed" | "refused" | "cancelled" | "interrupted" | "failed" | "over_budget";
export type TurnStatus = "queued" | "running" | "waiting" | Ended;

/** `message_id` is the user's message; null where an answer is made again. */
export type Turn = Readonly<{
  id: string;
  message_id: string | null;
  parent_id: string | null;
  status: TurnStatus;
  /** Per step the ids of its messages: the assistant's, then the tool results if there are any. */
  steps: readonly (readonly string[])[];
  attempt: number;
  /** The message that is being written now; a `tool_use` in it holds `partial_json`. */
  writing: Message | null;
  tools: readonly ToolRun[];
  approvals: readonly Approval[];
  retries: readonly Retry[];
  fallbacks: readonly Fallback[];
  stop_reason: string | null;
  model: string | null;
  usage: Usage;
  cost_nanodollars: number;
  saved_nanodollars: number;
  error: Problem | null;
}>;

/** A conversation folded up to and including event `seq`. */
export type Conversation = Readonly<{
  seq: number;
  title: string;
  system: string;
  model: string;
  options: Readonly<Record<string, unknown>>;
  tools: readonly string[];
  messages: Readonly<Record<string, Message>>;
  head: string | null;
  turns: Readonly<Record<string, Turn>>;
  running: string | null;
}>;

/** A frame of the event stream. What `data` holds depends on `type`, and may hold more than is known here. */
export type Frame = Readonly<{ seq: number; type: string; data: unknown }>;

export const NO_USAGE: Usage = {
  input_tokens: 0,
  cache_write_5m_tokens: 0,
  cache_write_1h_tokens: 0,
  cache_read_tokens: 0,
  output_tokens: 0,
  thinking_tokens: 0,
  web_search_requests: 0,
};

export const NOTHING: Conversation = {
  seq: 0,
  title: "",
  system: "",
  model: "",
  options: {},
  tools: [],
  messages: {},
  head: null,
  turns: {},
  running: null,
};

export function isOver(status: TurnStatus): boolean {
  return status !== "queued" && status !== "running" && status !== "waiting";
}
