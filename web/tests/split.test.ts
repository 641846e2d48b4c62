import { expect, test } from "vitest";
import { Splitter } from "../src/ui/markdown/split";

const TEXT = `A paragraph with **bold** text.

- one
- two

  still two

| a | b |
|---|---|
| 1 | 2 |

\`\`\`python
print("hello")

print("again")
\`\`\`

> quoted
lazily

Title
=====

The end.`;

const CRLF = "One.\r\n\r\n- a\r\n- b\r\n\r\nTwo.\r\n\r\nThree.";

const raws = (splitter: Splitter, text: string, streaming: boolean) =>
  splitter.split(text, streaming).map((piece) => [piece.token.type, piece.raw]);

test.each([1, 5, 40])("text that grows by %i characters ends in the blocks of the whole", (size) => {
  const splitter = new Splitter();
  for (let end = size; end < TEXT.length; end += size) {
    const pieces = splitter.split(TEXT.slice(0, end), true);
    expect(pieces.slice(0, -2).every((piece) => !piece.open)).toBe(true);
  }
  expect(raws(splitter, TEXT, false)).toEqual(raws(new Splitter(), TEXT, false));
});

test("lines may end as they do on Windows", () => {
  const splitter = new Splitter();
  for (let end = 1; end < CRLF.length; end++) {
    splitter.split(CRLF.slice(0, end), true);
  }
  expect(raws(splitter, CRLF, false)).toEqual(raws(new Splitter(), CRLF.replaceAll("\r", ""), false));
});

test("a closed block stays the same value while text is added", () => {
  const splitter = new Splitter();
  const before = splitter.split("First.\n\nSecond.\n\nThi", true)[0];
  expect(splitter.split("First.\n\nSecond.\n\nThird.", true)[0]).toBe(before);
});

test("text that begins anew is read anew", () => {
  const splitter = new Splitter();
  splitter.split("First.\n\nSecond.\n\nThird.", true);
  expect(raws(splitter, "Another.", true)).toEqual([["paragraph", "Another."]]);
});
