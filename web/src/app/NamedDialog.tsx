import { useRef } from "react";
import * as api from "../api/conversations";
import { tried } from "../live/notices";
import { Dialog } from "../ui/Dialog";
import { go, route } from "./route";
import { forget, list } from "./session";
import type { Named, Shown } from "./useDialogs";

type Props = Shown & { onClose: () => void };

/** Asks for another name of a conversation, or whether it is to be deleted. */
export default function NamedDialog({ kind, ...props }: Props) {
  return kind === "rename" ? <Rename {...props} /> : <Remove {...props} />;
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
