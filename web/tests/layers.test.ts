/** Imports point one way: `api` and `log` and `ui` → `live` → `features`, which do not know each other → `app`. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SOURCE = resolve(import.meta.dirname, "../src");
const LONGEST = 220;

const MAY: Readonly<Record<string, readonly string[]>> = {
  log: [],
  api: ["log"],
  ui: [],
  live: ["log", "api"],
  features: ["log", "api", "ui", "live"],
  app: ["log", "api", "ui", "live", "features"],
  "main.tsx": ["app", "live", "ui"],
};

const FILES = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.(tsx?|css)$/.test(name) && name !== "api/schema.ts",
);

function importsOf(name: string): string[] {
  const text = readFileSync(resolve(SOURCE, name), "utf8");
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)];
  return found.map(([, path]) => relative(SOURCE, resolve(SOURCE, dirname(name), path ?? "")));
}

const partOf = (name: string) => name.split("/")[0] ?? "";

test.each(FILES)("%s imports only what lies below it", (name) => {
  for (const imported of importsOf(name)) {
    const [part, to] = [partOf(name), partOf(imported)];
    if (part === to && part === "features") {
      expect(imported.split("/")[1], `${name} imports ${imported}`).toBe(name.split("/")[1]);
    } else if (part !== to) {
      expect(MAY[part], `${name} imports ${imported}`).toContain(to);
    }
  }
});

test("no file is too long to hold one thing", () => {
  const lengths = FILES.map((name) => [name, readFileSync(resolve(SOURCE, name), "utf8").split("\n").length]);
  expect(
    lengths.filter(([name, length]) => !String(name).endsWith(".css") && Number(length) > LONGEST),
  ).toEqual([]);
});
