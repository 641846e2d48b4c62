import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { fallbackWords, retrySummary, retryWords } from "../src/features/thread/detours";
import { endingOf } from "../src/features/thread/endings";
import { fold } from "../src/log/fold";
import type { Conversation, Frame, Turn } from "../src/log/types";

function golden(name: string): { events: Frame[]; state: Conversation } {
  const path = resolve(import.meta.dirname, `../../tests/golden/${name}.json`);
  return JSON.parse(readFileSync(path, "utf8"));
}

const turnOf = (state: Conversation) => state.turns.t1 as Turn;

test("a model that took over is named, while it answers and afterwards", () => {
  const { events, state } = golden("refused_then_another_model");
  expect(fallbackWords(turnOf(state))).toEqual(["Sonnet 5.5 declined; Opus 5.5 answered."]);
  const meanwhile = fold(events.slice(0, events.findIndex((frame) => frame.type === "model_change") + 1));
  expect(fallbackWords(turnOf(meanwhile))).toEqual(["Sonnet 5.5 declined; Opus 5.5 answers."]);
});

test("of a chain of models the last one answered", () => {
  const turn = turnOf(golden("simple_exchange").state);
  const chain = [
    { step: 0, from_model: "claude-opus-5-5", to_model: "claude-sonnet-5-5", reason: "upstream-busy" },
    { step: 0, from_model: "claude-sonnet-5-5", to_model: "claude-haiku-5-5", reason: "of tomorrow" },
  ];
  expect(fallbackWords({ ...turn, fallbacks: chain })).toEqual([
    "Opus 5.5 was overloaded; Sonnet 5.5 was asked.",
    "Sonnet 5.5 did not answer; Haiku 5.5 answered.",
  ]);
});

test("an attempt that failed is told with its reason", () => {
  const turn = turnOf(golden("retry_drops_what_was_shown").state);
  expect(retrySummary(turn)).toBe("Tried again once");
  expect(retryWords(turn)).toEqual(["Sonnet 5.5, attempt 1: Claude is busy; the answer was not finished."]);
});

test("a full window offers a summary, and a budget says what is left of it", () => {
  const { state } = golden("simple_exchange");
  const turn = turnOf(state);
  const full = endingOf({ ...turn, stop_reason: "model_context_window_exceeded" }, state);
  expect(full?.actions).toContain("summary");
  const facts = { budget: "principal/day", left_usd: "0.02", resets_at: null };
  const error = { name: "over-budget", title: "", detail: "", retryable: false, retry_after_s: null, facts };
  const ending = endingOf({ ...turn, status: "over_budget", error }, state);
  expect(ending?.text).toBe(
    "Your budget for today: $0.020 left, which does not cover this answer. Nothing was sent.",
  );
});
