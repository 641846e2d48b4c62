/** The routes under `/v1` that the page uses. */

import type { Conversation } from "../log/types";
import { json, request } from "./http";
import type { Standing } from "./notices";
import type { components, operations } from "./schema";

type Schemas = components["schemas"];
type BodyOf<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : never;

export type Header = Schemas["ConversationBody"];
export type ConversationList = Schemas["ListBody"];
export type Hit = Schemas["HitBody"];
export type Model = Schemas["ModelBody"];
export type Models = Schemas["ModelsBody"];
export type Document = Schemas["DocumentBody"];
export type Snapshot = Omit<Schemas["SnapshotBody"], "state"> & { state: Conversation };
export type NewConversation = BodyOf<operations["create_v1_conversations_post"]>;
export type Change = BodyOf<operations["change_v1_conversations__conversation_id__patch"]>;
export type NewTurn = BodyOf<operations["send_v1_conversations__conversation_id__turns_post"]>;
export type Options = NonNullable<NewConversation>["options"];
export type Accepted = Schemas["TurnBody"];
export type About = { model: string; notice: string };

const ROOT = "/v1/conversations";

export const about = () => json<About>("/about");
export const models = () => json<Models>("/v1/models");

export function list(cursor: string | null = null): Promise<ConversationList> {
  return json(cursor === null ? ROOT : `${ROOT}?cursor=${encodeURIComponent(cursor)}`);
}

/** Messages that have all words of `query`, newest first, and the conversations they are in. */
export function search(query: string, cursor: string | null, signal: AbortSignal): Promise<ConversationList> {
  const asked = new URLSearchParams(cursor === null ? { query } : { query, cursor });
  return json(`${ROOT}?${asked}`, { signal });
}

export const create = (asked: NewConversation) => json<Header>(ROOT, { method: "POST", body: asked });

export function snapshot(id: string, signal: AbortSignal): Promise<Snapshot> {
  return json(`${ROOT}/${id}`, { signal });
}

export const change = (id: string, changes: Change) =>
  json<Header>(`${ROOT}/${id}`, { method: "PATCH", body: changes });

export const remove = (id: string) => request(`${ROOT}/${id}`, { method: "DELETE" });

export const moveHead = (id: string, message_id: string) =>
  json<Header>(`${ROOT}/${id}/head`, { method: "PUT", body: { message_id } });

export const exported = (id: string) => json<Document>(`${ROOT}/${id}/export`);

export const imported = (document: unknown) =>
  json<Header>(`${ROOT}/import`, { method: "POST", body: document });

export function send(id: string, turn: NewTurn, key: string): Promise<Accepted> {
  return json(`${ROOT}/${id}/turns`, { method: "POST", body: turn, headers: { "Idempotency-Key": key } });
}

/** Stop a turn; of its answer stays what was shown up to event `seen_seq`. */
export const cancel = (turn_id: string, seen_seq?: number) =>
  request(`/v1/turns/${turn_id}/cancel`, {
    method: "POST",
    body: seen_seq === undefined ? {} : { seen_seq },
  });

/** The budgets in force for whoever asks, and for this conversation. */
export async function standings(conversation: string): Promise<readonly Standing[]> {
  const today = new Date().toISOString().slice(0, 10); // the sums of other days are not looked at
  const asked = new URLSearchParams({ by: "day", since: today, conversation });
  return (await json<Schemas["ReportBody"]>(`/v1/usage?${asked}`)).budgets;
}

/** What a person says when a tool asks before it runs. */
export type Word =
  | { decision: "allow" }
  | { decision: "deny"; reason?: string }
  | { decision: "edit"; input: Record<string, unknown> };

/** Throws Refused with status 409 where it was decided otherwise before. */
export const resolve = (approval_id: string, word: Word) =>
  request(`/v1/approvals/${approval_id}`, { method: "POST", body: word });

export function events(id: string, after: number, signal: AbortSignal): Promise<Response> {
  const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
  return request(`${ROOT}/${id}/events`, { headers, signal });
}
