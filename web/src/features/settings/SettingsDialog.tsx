import { useRef } from "react";
import type { Actions } from "../../live/actions";
import { Dialog } from "../../ui/Dialog";

/** What a conversation is told before it begins. */
export default function SettingsDialog({ actions, onClose }: { actions: Actions; onClose: () => void }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const save = async () => {
    if (await actions.setSystem(area.current?.value ?? "")) {
      onClose();
    }
  };
  return (
    <Dialog title="Instructions" onClose={onClose}>
      <p>
        Claude reads these before every message of this conversation. They apply from the next message on.
      </p>
      <textarea ref={area} rows={8} aria-label="Instructions" defaultValue={actions.live.state.system} />
      <div className="dialog-bar">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="primary" onClick={save}>
          Save
        </button>
      </div>
    </Dialog>
  );
}
