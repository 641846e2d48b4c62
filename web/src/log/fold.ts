/**
 * The fold: a conversation's events become what is shown. The twin of `antiphon/domain/fold.py`; the same
 * golden logs test both. Pure: what it is given is never changed.
 */

import { Folder } from "./folder";
import type { Conversation, Frame } from "./types";
import { NOTHING } from "./types";

/** Apply frames in order to `start`. A frame of an unknown type changes nothing but `seq`. */
export function fold(frames: Iterable<Frame>, start: Conversation = NOTHING): Conversation {
  const folder = new Folder(start);
  for (const frame of frames) {
    folder.apply(frame);
  }
  return folder.result();
}
