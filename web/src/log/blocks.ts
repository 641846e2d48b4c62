/** Building a block from its deltas, by the rules of `antiphon/domain/blocks.py`. */

import type { Block } from "./types";

/** Kinds of delta that only add text, and the field that carries it, in the delta and in the block. */
const JOINED: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  input_json_delta: "partial_json",
};

/** `block` grown by `delta`. One of an unknown kind, or one that lacks its field, adds nothing. */
export function applyDelta(block: Block, delta: Readonly<Record<string, unknown>>): Block {
  const kind = String(delta.type);
  const field = JOINED[kind];
  if (field !== undefined) {
    return { ...block, [field]: `${textIn(block, field)}${textIn(delta, field)}` };
  }
  if (kind === "signature_delta" && typeof delta.signature === "string") {
    return { ...block, signature: delta.signature };
  }
  if (kind === "citations_delta" && isObject(delta.citation)) {
    const before = Array.isArray(block.citations) ? block.citations : [];
    return { ...block, citations: [...before, delta.citation] };
  }
  return block;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textIn(source: Readonly<Record<string, unknown>>, field: string): string {
  const value = source[field];
  return typeof value === "string" ? value : "";
}

/** The visible text: all text blocks, joined. */
export function textOf(content: readonly Block[]): string {
  return content.map((block) => (block.type === "text" ? textIn(block, "text") : "")).join("");
}

/** A block of a person's message as it is sent: of a file, the server knows the rest. */
export function asSent(block: Block): Block {
  const source = block.source as { type?: string; file_id?: string } | undefined;
  return source?.type === "file" ? { ...block, source: { type: "file", file_id: source.file_id } } : block;
}
