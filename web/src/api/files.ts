/** Files that go with messages. A message refers to one by its id; its bytes travel once. */

import { post } from "./http";

export type FileBody = { file_id: string; media_type: string; size: number; name: string };

const ROOT = "/v1/files";

/** Keep a file at the server. Throws Refused where it is too large, or nothing that Claude can read. */
export function keepFile(
  file: Blob,
  name: string,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<FileBody> {
  const headers = {
    "Content-Type": file.type || "application/octet-stream",
    "X-File-Name": encodeURIComponent(name),
  };
  return post(ROOT, { body: file, headers, onProgress, signal });
}

export const addressOf = (file_id: string) => `${ROOT}/${encodeURIComponent(file_id)}`;
