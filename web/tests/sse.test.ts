import { expect, test } from "vitest";
import { EventParser, type Heard } from "../src/api/sse";

const STREAM =
  'id: 3\nevent: turn_start\ndata: {"a": 1}\n\n: ping\n\nevent: notice\ndata: {}\n\nid: 4\r\nevent: x\r\ndata: one\r\ndata:two\r\n\r\n';

const HEARD: Heard[] = [
  { id: "3", type: "turn_start", data: '{"a": 1}' },
  null,
  { id: null, type: "notice", data: "{}" },
  { id: "4", type: "x", data: "one\ntwo" },
];

test.each([1, 2, 3, 7, 1000])("events are the same in pieces of %i characters", (size) => {
  const parser = new EventParser();
  const heard: Heard[] = [];
  for (let at = 0; at < STREAM.length; at += size) {
    heard.push(...parser.push(STREAM.slice(at, at + size)));
  }
  expect(heard).toEqual(HEARD);
});

test("an event that has not ended is not told", () => {
  expect(new EventParser().push("id: 1\ndata: half\n")).toEqual([]);
});
