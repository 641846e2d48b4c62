/** What is said of a tool that asks before it runs. */

import type { Approval } from "../../log/types";

/** As the server calls the one person that a server without sign-in has. */
const ONLY_ONE = "local";

/** What became of it; null while it is open. */
export function decidedWords(approval: Approval): string | null {
  const who = approval.by === "" || approval.by === ONLY_ONE ? "you" : approval.by;
  switch (approval.decision) {
    case null:
      return null;
    case "allow":
      return `allowed by ${who}`;
    case "edit":
      return `allowed by ${who}, with another input`;
    case "deny":
      return approval.by === "" ? "not allowed" : `denied by ${who}`;
    case "expire":
      return "not allowed: nobody decided in time";
  }
}

const MINUTE_MS = 60_000;
const UNITS: readonly [number, string][] = [
  [24 * 60 * MINUTE_MS, "day"],
  [60 * MINUTE_MS, "hour"],
  [MINUTE_MS, "minute"],
];

/** How long there is to decide, in its largest unit. */
export function leftWords(expires_at: number, now: number): string {
  const left = expires_at - now;
  const unit = UNITS.find(([ms]) => left >= ms);
  if (unit === undefined) {
    return left > 0 ? "in less than a minute" : "now";
  }
  const [ms, name] = unit;
  const count = Math.floor(left / ms);
  return `in ${count} ${name}${count === 1 ? "" : "s"}`;
}

/** The object that was typed; throws an Error whose message tells a person what is wrong with it. */
export function inputFrom(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${error instanceof Error ? error.message : "it cannot be read"}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("An input is an object: it begins with { and ends with }.");
  }
  return value as Record<string, unknown>;
}
