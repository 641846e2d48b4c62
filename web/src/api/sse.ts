/** Server-sent events from a response's body, as the HTML standard reads them. */

export type ServerEvent = { id: string | null; type: string; data: string };

/** What a stream says: its events, and null for a comment, which is a sign of life. */
export type Heard = ServerEvent | null;

/** Reads text in pieces of any size; a piece may end anywhere. */
export class EventParser {
  private rest = "";
  private id: string | null = null;
  private type = "";
  private data: string[] = [];

  /** The events that `text` completes. */
  push(text: string): Heard[] {
    const heard: Heard[] = [];
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      this.line(line.endsWith("\r") ? line.slice(0, -1) : line, heard);
    }
    return heard;
  }

  private line(line: string, heard: Heard[]): void {
    if (line === "") {
      if (this.data.length > 0) {
        heard.push({ id: this.id, type: this.type || "message", data: this.data.join("\n") });
      }
      this.id = null;
      this.type = "";
      this.data = [];
      return;
    }
    if (line.startsWith(":")) {
      heard.push(null);
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") {
      this.id = value;
    } else if (field === "event") {
      this.type = value;
    } else if (field === "data") {
      this.data.push(value);
    }
  }
}

/** All that a stream says until it ends. Throws what reading it throws. */
export async function* heardFrom(body: ReadableStream<Uint8Array>): AsyncGenerator<Heard[]> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return;
      }
      yield parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
