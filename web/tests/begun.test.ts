import { expect, test } from "vitest";
import { leadsTo } from "../src/app/begun";

const BEGUN = { m1: "c1" };

test("a place where a first message was said leads to the conversation that was made for it", () => {
  expect(leadsTo({ message_id: "m1" }, BEGUN)).toBe("c1");
});

test.each([
  null,
  undefined,
  "m1",
  {},
  { message_id: 1 },
  { message_id: "m2" },
  { message_id: "constructor" },
])("a place with %j leads nowhere", (state) => {
  expect(leadsTo(state, BEGUN)).toBeNull();
});
