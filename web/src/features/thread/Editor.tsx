import { useEffect, useRef } from "react";
import { asSent, textOf } from "../../log/blocks";
import type { Message } from "../../log/types";
import { useReach } from "./context";

/** What was typed into an editor that is open: its message may leave the screen, with the branch it is on. */
const unfinished = new Map<string, string>();

/** Changes a message that was sent: the new one stands beside it, as a branch. */
export function Editor({ message }: { message: Message }) {
  const { actions, setEditing } = useReach();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const node = area.current;
    node?.focus();
    node?.setSelectionRange(node.value.length, node.value.length);
  }, []);
  const close = () => {
    unfinished.delete(message.id);
    setEditing(null);
  };
  const save = () => {
    const text = area.current?.value ?? "";
    if (text.trim() !== "") {
      const others = message.content.filter((block) => block.type !== "text").map(asSent);
      actions.edit(message, [...others, { type: "text", text }]);
      close();
    }
  };
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={area}
        aria-label="Edit message"
        defaultValue={unfinished.get(message.id) ?? textOf(message.content)}
        onInput={(event) => unfinished.set(message.id, event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            save();
          } else if (event.key === "Escape") {
            event.stopPropagation();
            close();
          }
        }}
      />
      <div className="editor-bar">
        <span>The message before stays, as another version.</span>
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="primary">
          Send
        </button>
      </div>
    </form>
  );
}
