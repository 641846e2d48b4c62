import { useRef, useState } from "react";
import { notify } from "../../live/notices";
import type { Attachment } from "./attachments";

/** The files that go with the next message. */
export function useAttachments() {
  const [attached, setAttached] = useState<readonly Attachment[]>([]);
  const current = useRef(attached);
  current.current = attached;
  const last = useRef(0);

  const add = async (files: Iterable<File>) => {
    const { attachmentOf, fitsWith } = await import("./attachments");
    for (const file of files) {
      try {
        const made = await attachmentOf(file, ++last.current);
        if (!fitsWith(current.current, made)) {
          throw new Error(
            `${file.name} does not fit beside what is attached already. Send it in another message.`,
          );
        }
        current.current = [...current.current, made];
        setAttached(current.current);
      } catch (error) {
        notify(error instanceof Error ? error.message : `${file.name} cannot be attached.`);
      }
    }
  };
  const drop = (id: number) => setAttached((before) => before.filter((each) => each.id !== id));
  const clear = () => setAttached([]);
  return { attached, add, drop, clear };
}
