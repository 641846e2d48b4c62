/**
 * The files that go with the next message of a conversation. They are sent to the server as soon as they are
 * chosen; what it has taken survives a reload, by its id.
 */

import { type FileBody, keepFile } from "../api/files";
import { isAbort } from "../api/http";
import { sentenceOf } from "../api/problems";
import type { Block } from "../log/types";
import { newId } from "./ids";
import { keep, read } from "./kept";
import { Store } from "./store";

export type Upload = Readonly<{
  id: string;
  name: string;
  /** The share that has gone out, from 0 to 1. */
  sent: number;
  /** Once the server has it. */
  kept: FileBody | null;
  /** Why the server does not have it. */
  problem: string | null;
}>;

export class Uploads {
  readonly store: Store<readonly Upload[]>;
  private readonly key: string;
  private readonly files = new Map<string, { file: File; sending: AbortController }>();

  constructor(place: string) {
    this.key = `files.${place}`;
    this.store = new Store(read<readonly Upload[]>(this.key, []));
  }

  add(files: readonly File[]): void {
    for (const file of files) {
      const id = newId();
      this.files.set(id, { file, sending: new AbortController() });
      this.put([...this.store.get(), { id, name: file.name, sent: 0, kept: null, problem: null }]);
      void this.send(id);
    }
  }

  again(id: string): void {
    this.change(id, { sent: 0, problem: null });
    void this.send(id);
  }

  drop(id: string): void {
    this.files.get(id)?.sending.abort();
    this.files.delete(id);
    this.put(this.store.get().filter((upload) => upload.id !== id));
  }

  /** What of it the server has, as blocks of a message; it is not here any more. */
  take(): Block[] {
    const taken = this.store.get().flatMap(({ kept }) => (kept === null ? [] : [kept]));
    this.files.clear();
    this.put([]);
    return taken.map(blockOf);
  }

  private async send(id: string): Promise<void> {
    const chosen = this.files.get(id);
    if (chosen === undefined) {
      return;
    }
    const { file, sending } = chosen;
    try {
      const { madeSmaller } = await import("./images");
      const body = await madeSmaller(file);
      const onProgress = (sent: number) => this.change(id, { sent });
      const kept = await keepFile(body, file.name, onProgress, sending.signal);
      this.files.delete(id);
      this.change(id, { sent: 1, kept });
    } catch (error) {
      if (!isAbort(error)) {
        this.change(id, { problem: sentenceOf(error, "The server cannot be reached. Try again.") });
      }
    }
  }

  private change(id: string, changes: Partial<Upload>): void {
    this.put(this.store.get().map((upload) => (upload.id === id ? { ...upload, ...changes } : upload)));
  }

  private put(uploads: readonly Upload[]): void {
    this.store.set(uploads);
    const kept = uploads.filter((upload) => upload.kept !== null);
    keep(this.key, kept.length > 0 ? kept : undefined);
  }
}

const known = new Map<string, Uploads>();

/** Of a conversation, or of the one that is to begin: an upload goes on when the reader goes elsewhere. */
export function uploadsOf(place: string): Uploads {
  const uploads = known.get(place) ?? new Uploads(place);
  known.set(place, uploads);
  return uploads;
}

function blockOf({ file_id, media_type, name }: FileBody): Block {
  const source = { type: "file", file_id };
  return media_type.startsWith("image/")
    ? { type: "image", source }
    : { type: "document", source, title: name };
}
