/** Files as blocks of a message. They travel inside of it, so they must be small; images are made small. */

import type { Block } from "../../log/types";

/** As much as fits beside the text into a message that the server takes. */
const LARGEST_BYTES = 700_000;
/** Claude scales larger images down itself. */
const LONGEST_EDGE_PX = 1568;
const IMAGES = ["image/png", "image/jpeg", "image/webp", "image/gif"];

export type Attachment = Readonly<{ id: number; name: string; block: Block; bytes: number }>;

/** Throws an Error whose message says to a person why the file cannot be attached. */
export async function attachmentOf(file: File, id: number): Promise<Attachment> {
  const block = await blockOf(file);
  const bytes = JSON.stringify(block).length;
  if (bytes > LARGEST_BYTES) {
    throw new Error(
      `${file.name} is too large to be attached: ${Math.floor(LARGEST_BYTES / 1000)} KB fit into a message.`,
    );
  }
  return { id, name: file.name, block, bytes };
}

export function fitsWith(attached: readonly Attachment[], another: Attachment): boolean {
  return attached.reduce((sum, each) => sum + each.bytes, another.bytes) <= LARGEST_BYTES;
}

async function blockOf(file: File): Promise<Block> {
  if (IMAGES.includes(file.type)) {
    return { type: "image", source: await imageSource(file) };
  }
  if (file.type === "application/pdf") {
    const data = await base64(file);
    return { type: "document", title: file.name, source: { type: "base64", media_type: file.type, data } };
  }
  const text = await file.text();
  if (text.includes("\0") || text.includes("\ufffd")) {
    throw new Error(`${file.name} cannot be attached: images, PDFs and text can.`);
  }
  return {
    type: "document",
    title: file.name,
    source: { type: "text", media_type: "text/plain", data: text },
  };
}

async function imageSource(file: File): Promise<Record<string, string>> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} cannot be read as an image.`);
  });
  const scale = Math.min(1, LONGEST_EDGE_PX / Math.max(bitmap.width, bitmap.height));
  if (scale === 1 && file.size < LARGEST_BYTES / 2) {
    return { type: "base64", media_type: file.type, data: await base64(file) };
  }
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const made = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, "image/jpeg", 0.85);
  });
  return { type: "base64", media_type: "image/jpeg", data: await base64(made ?? file) };
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}
