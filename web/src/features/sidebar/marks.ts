/** A found message's words, cut where they are marked. */

export type Piece = Readonly<{ text: string; marked: boolean }>;

/** The server counts characters, as people do; JavaScript counts halves of some of them. */
export function piecesOf(snippet: string, marks: readonly (readonly number[])[]): Piece[] {
  const characters = Array.from(snippet);
  const pieces: Piece[] = [];
  let at = 0;
  for (const [from = 0, to = 0] of marks) {
    pieces.push({ text: characters.slice(at, from).join(""), marked: false });
    pieces.push({ text: characters.slice(from, to).join(""), marked: true });
    at = to;
  }
  pieces.push({ text: characters.slice(at).join(""), marked: false });
  return pieces.filter((piece) => piece.text !== "");
}
