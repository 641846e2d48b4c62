import type { Tokens } from "marked";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { CopyButton } from "../CopyButton";
import { CodeBlock } from "./CodeBlock";
import { clean } from "./clean";
import { htmlOf, htmlOfOpen } from "./html";
import { type Piece, Splitter } from "./split";

/** Text with its markdown. While it streams, only its last block is drawn again. */
export const Markdown = memo(function Markdown({
  text,
  streaming = false,
}: {
  text: string;
  streaming?: boolean;
}) {
  const splitter = useRef<Splitter>(null);
  splitter.current ??= new Splitter();
  const pieces = splitter.current.split(text, streaming);
  return (
    <div className="markdown">
      {pieces.map((piece, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: text only grows at its end
        <Block key={index} piece={piece} />
      ))}
    </div>
  );
});

const Block = memo(
  function Block({ piece }: { piece: Piece }) {
    const { token, raw, open } = piece;
    if (token.type === "space") {
      return null;
    }
    if (token.type === "code") {
      const { text, lang = "" } = token as Tokens.Code;
      return (
        <CodeBlock code={text} language={/^[\w+#-]*/.exec(lang)?.[0]?.toLowerCase() ?? ""} open={open} />
      );
    }
    return <Html html={open ? htmlOfOpen(raw) : htmlOf(token)} />;
  },
  (before, after) => before.piece.raw === after.piece.raw && before.piece.open === after.piece.open,
);

function Html({ html }: { html: string }) {
  const cleaned = useMemo(() => clean(html), [html]);
  const node = useRef<HTMLDivElement>(null);
  const [nested, setNested] = useState<readonly Element[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other markup has other elements
  useLayoutEffect(() => {
    const found = [...(node.current?.querySelectorAll("pre") ?? [])];
    setNested((before) => (found.length + before.length === 0 ? before : found));
  }, [cleaned]);
  return (
    <>
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: it has gone through `clean` */}
      <div ref={node} dangerouslySetInnerHTML={{ __html: cleaned }} />
      {nested.map((code, index) =>
        createPortal(<CopyButton text={code.textContent ?? ""} label="Copy code" />, code, String(index)),
      )}
    </>
  );
}
