import { type ReactNode, useMemo, useRef, useState } from "react";
import * as api from "../api/conversations";
import { download } from "../live/actions";
import { tried } from "../live/notices";
import { Dialog } from "../ui/Dialog";
import { go, route } from "./route";
import { forget, list } from "./session";

export type Named = Pick<api.Header, "id" | "title">;

export type OnNamed = {
  rename: (header: Named) => void;
  download: (header: Named) => void;
  remove: (header: Named) => void;
};

type Shown = { kind: "rename" | "remove"; header: Named };

/** Renaming and deleting, from wherever a conversation is named. */
export function useDialogs(): { on: OnNamed; shown: ReactNode } {
  const [shown, setShown] = useState<Shown | null>(null);
  const on = useMemo<OnNamed>(
    () => ({
      rename: (header) => setShown({ kind: "rename", header }),
      remove: (header) => setShown({ kind: "remove", header }),
      download: (header) => void download(header.id),
    }),
    [],
  );
  const close = () => setShown(null);
  if (shown === null) {
    return { on, shown: null };
  }
  const Shown = shown.kind === "rename" ? Rename : Remove;
  return { on, shown: <Shown header={shown.header} onClose={close} /> };
}

function Rename({ header, onClose }: { header: Named; onClose: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const save = async () => {
    const title = input.current?.value.trim() ?? "";
    if (
      title !== "" &&
      (await tried(api.change(header.id, { title }).then((changed) => list.put(changed))))
    ) {
      onClose();
    }
  };
  return (
    <Dialog title="Rename" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <input ref={input} aria-label="Title" defaultValue={header.title} maxLength={200} />
        <div className="dialog-bar">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary">
            Rename
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Remove({ header, onClose }: { header: Named; onClose: () => void }) {
  const remove = async () => {
    if (await tried(api.remove(header.id))) {
      forget(header.id);
      if (route.get() === header.id) {
        go(null);
      }
      onClose();
    }
  };
  return (
    <Dialog title="Delete this conversation?" onClose={onClose}>
      <p>“{header.title || "Untitled"}” and everything in it will be gone for good, on all devices.</p>
      <div className="dialog-bar">
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" className="danger" onClick={() => void remove()}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
