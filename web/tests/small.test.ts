import { expect, test } from "vitest";
import type { Header } from "../src/api/conversations";
import { byAge } from "../src/features/sidebar/ages";
import { piecesOf } from "../src/features/sidebar/marks";
import { newId } from "../src/live/ids";
import { waitMs } from "../src/live/patience";
import { optionsFor, spoken } from "../src/live/server";
import { cachedPercent, dollars, inputOf } from "../src/log/totals";
import { NO_USAGE } from "../src/log/types";

test("ids are UUIDv7, in the order of time", () => {
  const ids = [1_795_348_800_000, 1_795_348_800_001, 1_895_348_800_000].map(newId);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect([...ids].sort()).toEqual(ids);
  expect(Number.parseInt((ids[0] ?? "").replace("-", "").slice(0, 12), 16)).toBe(1_795_348_800_000);
});

test.each([
  [0, "$0"],
  [142_000, "$0.00014"],
  [5, "$0.000000005"],
  [12_345_678, "$0.012"],
  [1_234_567_890, "$1.23"],
])("%i nano-dollars are %s", (nanodollars, words) => {
  expect(dollars(nanodollars)).toBe(words);
});

test("input is what was read, from wherever", () => {
  const usage = { ...NO_USAGE, input_tokens: 10, cache_read_tokens: 80, cache_write_5m_tokens: 10 };
  expect(inputOf(usage)).toBe(100);
  expect(cachedPercent(usage)).toBe(80);
  expect(cachedPercent(NO_USAGE)).toBe(0);
});

test.each([
  ["claude-sonnet-5-5", "Sonnet 5.5"],
  ["claude-opus-5", "Opus 5"],
  ["claude-haiku-4-5-20251001", "Haiku 4.5"],
  ["my-own-model", "my-own-model"],
])("%s is spoken %s", (id, name) => {
  expect(spoken(id)).toBe(name);
});

test("a model is asked only for what it has", () => {
  const model = { id: "m", context: 1, max_output: 1, free: false, effort_default: null };
  expect(optionsFor({ ...model, efforts: ["low"], thinking: ["adaptive"] }, "low")).toEqual({
    thinking: { type: "adaptive", display: "summarized" },
    output_config: { effort: "low" },
  });
  expect(optionsFor({ ...model, efforts: [], thinking: ["enabled"] }, "low")).toEqual({});
  expect(optionsFor(undefined, "low")).toEqual({});
});

test("waits grow, are spread, and end", () => {
  expect(waitMs(0, 0)).toBe(150);
  expect(waitMs(3, 1)).toBe(2400);
  expect(waitMs(50, 1)).toBe(10_000);
});

test("conversations stand under the day they changed", () => {
  const now = new Date(2026, 10, 22, 15).getTime();
  const header = (days: number) => ({ id: String(days), updated_at: now - days * 86_400_000 }) as Header;
  const ages = byAge([0, 1, 3, 20, 90].map(header), now);
  expect(ages.map((age) => age.name)).toEqual(["Today", "Yesterday", "This week", "This month", "Earlier"]);
  expect(ages.every((age) => age.headers.length === 1)).toBe(true);
});

test("marks count characters as people do", () => {
  expect(
    piecesOf("A 🦭 and a 🦭.", [
      [2, 3],
      [10, 11],
    ]),
  ).toEqual([
    { text: "A ", marked: false },
    { text: "🦭", marked: true },
    { text: " and a ", marked: false },
    { text: "🦭", marked: true },
    { text: ".", marked: false },
  ]);
  expect(piecesOf("plain", [])).toEqual([{ text: "plain", marked: false }]);
});
