/** Fails if the JavaScript that the page loads before anything can be seen has become too much. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";

const MOST_KIB = 120;

const built = resolve(import.meta.dirname, "../src/antiphon/server/static");
const index = readFileSync(resolve(built, "index.html"), "utf8");
const files = [...index.matchAll(/(?:src|href)="\/static\/([^"]+\.js)"/g)].map(([, name]) => name);
const kib = files.reduce((sum, name) => sum + gzipSync(readFileSync(resolve(built, name))).length, 0) / 1024;

if (files.length === 0 || kib > MOST_KIB) {
  process.stderr.write(
    `The page loads ${kib.toFixed(1)} KiB of JavaScript (gzip) at first; ${MOST_KIB} are allowed.\n`,
  );
  process.exit(1);
}
