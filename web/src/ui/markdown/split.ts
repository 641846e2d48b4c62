/**
 * Markdown that grows is cut into its top-level blocks, and only the last one is read again: drawing a long
 * answer costs what is added to it.
 */

import { Lexer, type Token } from "marked";

export type Piece = Readonly<{ token: Token; raw: string /** More may come to it. */; open: boolean }>;

export class Splitter {
  private text = "";
  private closed: Piece[] = [];
  private closedLength = 0;

  /** The blocks of `text`. If it continues the text of the call before, its closed blocks are the same values. */
  split(given: string, streaming: boolean): readonly Piece[] {
    const text = given.includes("\r") ? given.replace(/\r\n?/g, "\n") : given;
    if (!text.startsWith(this.text)) {
      this.closed = [];
      this.closedLength = 0;
    }
    this.text = text;
    const pieces = piecesOf(text.slice(this.closedLength), streaming);
    const before = this.closed;
    if (streaming) {
      this.close(pieces);
    }
    return [...before, ...pieces];
  }

  /** A block whose text is not spelled as it stands there is read again, and so is all after it. */
  private close(pieces: readonly Piece[]): void {
    const closed = [...this.closed];
    for (const piece of pieces) {
      if (piece.open || !this.text.startsWith(piece.raw, this.closedLength)) {
        break;
      }
      closed.push(piece);
      this.closedLength += piece.raw.length;
    }
    this.closed = closed;
  }
}

/** All but the last block with something in it are closed: what follows can only grow that one. */
function piecesOf(text: string, streaming: boolean): Piece[] {
  const tokens = new Lexer({ gfm: true }).lex(text);
  const last = streaming ? tokens.findLastIndex((token) => token.type !== "space") : tokens.length;
  return tokens.map((token, index) => ({ token, raw: token.raw, open: index >= last }));
}
