import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { endingOf } from "../src/features/thread/endings";
import { isOrdered, isSame, rowsOf } from "../src/features/thread/rows";
import { fold } from "../src/log/fold";
import { branchesAt, endOf } from "../src/log/tree";
import { type Conversation, type Frame, NOTHING, type Turn } from "../src/log/types";

function golden(name: string): Conversation {
  const path = resolve(import.meta.dirname, `../../tests/golden/${name}.json`);
  return JSON.parse(readFileSync(path, "utf8")).state;
}

/** Rows in short: what a reader sees from top to bottom. */
function seen(name: string, outgoing: Parameters<typeof rowsOf>[1] = []): string[] {
  return rowsOf(golden(name), outgoing).map((row) => {
    if (row.kind === "answer") {
      return `${row.turn_id}: ${row.message_ids}${row.isLast ? " (last)" : ""}`;
    }
    return row.kind === "question" ? `${row.message_id} ${row.standing}` : `${row.key} going out`;
  });
}

test.each([
  ["simple_exchange", ["u1 sent", "t1: a1 (last)"]],
  ["tools_over_two_steps", ["u1 sent", "t1: a1 a2 (last)"]],
  ["still_writing", ["u1 sent", "t1:  (last)"]],
  ["cancelled_with_nothing_left", ["u1 sent", "t1:  (last)"]],
])("%s", (name, rows) => {
  expect(seen(name)).toEqual(rows);
});

test("a refused message stands where it was said, and is no branch", () => {
  const rows = seen("refused_turn");
  expect(rows.some((row) => row.endsWith("dead"))).toBe(true);
  const state = golden("refused_turn");
  for (const message of Object.values(state.messages)) {
    expect(branchesAt(state, message).length).toBeLessThanOrEqual(1);
  }
});

test("a failed turn is followed by the one that was sent instead", () => {
  const dead = seen("failed_turn_goes_back").findIndex((row) => row.endsWith("dead"));
  expect(dead).toBeGreaterThanOrEqual(0);
});

test("an edit shows the conversation up to its place while it is on its way", () => {
  const outgoing = [{ id: "new", parent_id: null, queued: false }];
  expect(seen("simple_exchange", outgoing)).toEqual(["new going out"]);
  expect(seen("simple_exchange", [{ id: "new", parent_id: "a1", queued: false }])).toEqual([
    "u1 sent",
    "t1: a1 (last)",
    "new going out",
  ]);
});

test("branches are counted, and each leads to its end", () => {
  const state = golden("branch_by_edit");
  const forked = Object.values(state.messages).filter((message) => branchesAt(state, message).length > 1);
  expect(forked.length).toBeGreaterThan(1);
  for (const message of forked) {
    expect(state.messages[endOf(state, message.id)]?.role).toBe("assistant");
  }
});

test("rows are the same as long as nothing in them is another", () => {
  const state = golden("simple_exchange");
  expect(isSame(rowsOf(state), rowsOf(state))).toBe(true);
  expect(isSame(rowsOf(state), rowsOf(golden("tools_over_two_steps")))).toBe(false);
});

describe("every ending has words and something to do", () => {
  const state = golden("simple_exchange");
  const turn = state.turns.t1 as Turn;
  const error = {
    name: "upstream-failed",
    title: "",
    detail: "It broke.",
    retryable: true,
    retry_after_s: null,
    facts: null,
  };

  test("an answer that simply ended says nothing", () => {
    expect(endingOf(turn, state)).toBeNull();
  });

  test.each(["max_tokens", "model_context_window_exceeded", "tool_use", "of_tomorrow"])(
    "stop reason %s",
    (stop_reason) => {
      const ending = endingOf({ ...turn, stop_reason }, state);
      expect(ending?.text).toMatch(/\w\.$/);
      expect(ending?.actions.length).toBeGreaterThan(0);
    },
  );

  test("an answer without a word", () => {
    expect(endingOf({ ...turn, steps: [] }, state)?.actions).toContain("continue");
  });

  test.each(["cancelled", "refused", "interrupted", "over_budget", "failed"] as const)("%s", (status) => {
    const ending = endingOf({ ...turn, status, error }, state);
    expect(ending?.text).toBe(status === "cancelled" ? "You stopped this answer." : "It broke.");
    expect(ending?.actions.length).toBeGreaterThan(0);
  });
});

describe("where nothing that rows are made of has changed, the rows are the same", () => {
  const folder = resolve(import.meta.dirname, "../../tests/golden");
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  let skipped = 0;

  test.each(names)("after each event of %s", (name) => {
    const { events } = JSON.parse(readFileSync(resolve(folder, name), "utf8")) as { events: Frame[] };
    let before = NOTHING;
    for (const frame of events) {
      const after = fold([frame], before);
      if (isOrdered(before, after)) {
        skipped += 1;
        expect(isSame(rowsOf(before), rowsOf(after)), `${frame.type} ${frame.seq}`).toBe(true);
      }
      before = after;
    }
  });

  test("and that is so for most of what comes while an answer is written", () => {
    expect(skipped).toBeGreaterThan(100);
  });
});
