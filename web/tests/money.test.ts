import { expect, test } from "vitest";
import type { Header } from "../src/api/conversations";
import { noticeOf, type Standing } from "../src/api/notices";
import { Budgets, budgetWords, nearlyUsed, usdWords } from "../src/live/budgets";
import { ConversationList } from "../src/live/list";

const DAY: Standing = { budget: "principal/day", usd: "1", left_usd: "0.8", resets_at: null };
const EACH: Standing = { budget: "request/total", usd: "0.05", left_usd: null, resets_at: null };

test("budgets are called as people call them", () => {
  expect(budgetWords("principal/day")).toBe("Your budget for today");
  expect(budgetWords("conversation/total")).toBe("Budget of this conversation");
  expect(budgetWords("planet/year")).toBe("Budget planet");
  expect(usdWords("0.8")).toBe("$0.800");
});

test("a budget is pointed out when little of it is left", () => {
  expect(nearlyUsed([DAY, EACH])).toBeNull();
  const gone = { ...DAY, budget: "installation/month", left_usd: "0" };
  expect(nearlyUsed([EACH, { ...DAY, left_usd: "0.1" }, gone])).toBe(gone);
});

test("news of a budget take the place of what was known of it", () => {
  const budgets = new Budgets();
  budgets.store.set([DAY, EACH]);
  budgets.hear({ ...DAY, left_usd: "0.5" });
  expect(budgets.store.get()).toEqual([{ ...DAY, left_usd: "0.5" }, EACH]);
});

test("news that are not known are passed over", () => {
  expect(noticeOf('{"type": "conversation", "id": "c1"}')).toEqual({ type: "conversation", id: "c1" });
  expect(noticeOf('{"type": "budget", "budget": "principal/day"}')).not.toBeNull();
  for (const data of ['{"type": "weather"}', '{"type": "conversation"}', "[]", "null", "{", '"budget"']) {
    expect(noticeOf(data)).toBeNull();
  }
});

test("news of conversations rename, reorder and remove", () => {
  const list = new ConversationList();
  const header = (id: string, updated_at: number) => ({ id, title: id, updated_at, running: null }) as Header;
  const seen = () => list.store.get().conversations.map(({ id, title, running }) => [id, title, running]);
  list.store.update({ phase: "ready", conversations: [header("a", 2), header("b", 1)] });
  list.hear({ type: "conversation", id: "b", title: "Rivers", updated_at: 3, running: "t1" });
  expect(seen()).toEqual([
    ["b", "Rivers", "t1"],
    ["a", "a", null],
  ]);
  list.hear({ type: "conversation", id: "a", deleted: true });
  expect(seen()).toEqual([["b", "Rivers", "t1"]]);
});
