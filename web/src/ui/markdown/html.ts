/** Markdown to markup, not yet cleaned. Raw HTML in it is shown as text; images from other hosts become links. */

import { Marked, type Token, type Tokens } from "marked";

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
    image({ href, text }: Tokens.Image) {
      if (href.startsWith("data:image/")) {
        return `<img src="${escaped(href)}" alt="${escaped(text)}">`;
      }
      return `<a href="${escaped(href)}">${escaped(text || "image")}</a>`;
    },
    checkbox: ({ checked }: Tokens.Checkbox) =>
      `<input type="checkbox" disabled${checked ? " checked" : ""}> `,
    table(token: Tokens.Table) {
      const row = (cells: Tokens.TableCell[]) =>
        `<tr>${cells.map((cell) => this.tablecell(cell)).join("")}</tr>`;
      const body = token.rows.map(row).join("");
      return `<div class="table"><table><thead>${row(token.header)}</thead><tbody>${body}</tbody></table></div>`;
    },
  },
});

/** The markup of one block. */
export function htmlOf(token: Token): string {
  return marked.parser([token]).trimEnd();
}

/** Closes what is open in unfinished markdown; loaded with the first answer that is written before one's eyes. */
let closed: (raw: string) => string = (raw) => raw;
let loading = false;

function load(): void {
  if (loading) {
    return;
  }
  loading = true;
  import("remend")
    .then(({ default: remend }) => {
      closed = (raw) => remend(raw, { linkMode: "text-only", images: false, katex: false });
    })
    .catch(() => {}); // the text is there, with its marks to be seen until they are closed
}

/** The markup of a block that is still being written: what is open in it is closed for now. */
export function htmlOfOpen(raw: string): string {
  load();
  return marked.parse(closed(raw), { async: false }).trimEnd();
}
