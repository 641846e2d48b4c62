/** News that come between the events of a stream, without a number: who misses one learns it when asking. */

import type { components } from "./schema";

export type Standing = components["schemas"]["StandingBody"];

/** A conversation is new, has changed, or is gone. */
export type ConversationNotice = {
  type: "conversation";
  id: string;
  title?: string;
  updated_at?: number;
  running?: string | null;
  deleted?: boolean;
};

/** What is left of a budget now. */
export type BudgetNotice = { type: "budget" } & Standing;

export type Notice = ConversationNotice | BudgetNotice;

/** What is said; null for news that are not known here. */
export function noticeOf(data: string): Notice | null {
  let told: unknown;
  try {
    told = JSON.parse(data);
  } catch {
    return null;
  }
  const { type, id, budget } = Object(told);
  const known = (type === "conversation" && typeof id === "string") || (type === "budget" && Boolean(budget));
  return known ? (told as Notice) : null;
}
