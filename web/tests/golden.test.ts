/** The golden logs of `tests/golden`, which the fold in Python is tested by as well: see the README there. */

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { fold } from "../src/log/fold";
import type { Conversation, Frame } from "../src/log/types";

type GoldenLog = { name: string; about: string; events: Frame[]; state: Conversation };

const FOLDER = resolve(import.meta.dirname, "../../tests/golden");

const LOGS: GoldenLog[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(resolve(FOLDER, name), "utf8")));

/** Without the deltas of turns that have ended. */
function pruned(frames: Frame[]): Frame[] {
  const idOf = (frame: Frame) => (frame.data as { turn_id: string }).turn_id;
  const ended = new Set(frames.filter((frame) => frame.type === "turn_end").map(idOf));
  let running = "";
  return frames.filter((frame) => {
    running = frame.type === "turn_start" ? idOf(frame) : running;
    return !(frame.type === "block_delta" && ended.has(running));
  });
}

test("there are golden logs", () => {
  expect(LOGS.length).toBeGreaterThan(15);
});

describe.each(LOGS)("$name: $about", ({ events, state }) => {
  test("whole", () => {
    expect(fold(events)).toEqual(state);
  });

  test("pruned", () => {
    expect({ ...fold(pruned(events)), seq: state.seq }).toEqual(state);
  });

  test("resumed at every event, from state that was kept as JSON and is not changed", () => {
    for (let cut = 0; cut <= events.length; cut++) {
      const kept = JSON.stringify(fold(events.slice(0, cut)));
      const start: Conversation = JSON.parse(kept);
      expect(fold(events.slice(cut), start)).toEqual(state);
      expect(JSON.stringify(start)).toBe(kept);
    }
  });

  test("with fields of a newer version", () => {
    const newer = events.map((frame) => ({
      ...frame,
      data: { of_tomorrow: [{ x: 1 }], ...Object(frame.data) },
    }));
    expect(fold(newer)).toEqual(state);
  });
});
