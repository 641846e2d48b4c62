import { expect, test } from "vitest";
import { decidedWords, inputFrom, leftWords } from "../src/features/thread/approvals";
import type { Approval } from "../src/log/types";

const OPEN: Approval = {
  id: "p1",
  tool_use_id: "toolu_1",
  name: "weather",
  input: {},
  expires_at: 0,
  decision: null,
  reason: "",
  by: "",
};

test.each([
  [{ decision: null }, null],
  [{ decision: "allow", by: "local" }, "allowed by you"],
  [{ decision: "edit", by: "zoe" }, "allowed by zoe, with another input"],
  [{ decision: "deny", by: "local" }, "denied by you"],
  [{ decision: "deny" }, "not allowed"],
  [{ decision: "expire" }, "not allowed: nobody decided in time"],
] as const)("%j is told as %s", (changes, words) => {
  expect(decidedWords({ ...OPEN, ...changes })).toBe(words);
});

test.each([
  [-1, "now"],
  [30_000, "in less than a minute"],
  [60_000, "in 1 minute"],
  [86_399_000, "in 23 hours"],
  [3 * 86_400_000, "in 3 days"],
])("%i ms are left: %s", (left, words) => {
  expect(leftWords(1_000_000 + left, 1_000_000)).toBe(words);
});

test("an input is an object in JSON", () => {
  expect(inputFrom('{"city": "Oslo"}')).toEqual({ city: "Oslo" });
  expect(() => inputFrom("{city}")).toThrow(/This is not JSON/);
  for (const text of ["null", "[1]", '"x"']) {
    expect(() => inputFrom(text)).toThrow(/An input is an object/);
  }
});
