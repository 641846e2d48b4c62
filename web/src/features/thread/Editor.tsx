import { useEffect, useRef } from "react";
import { textOf } from "../../log/blocks";
import type { Message } from "../../log/types";
import { useReach } from "./context";

/** Changes a message that was sent: the new one stands beside it, as a branch. */
export function Editor({ message }: { message: Message }) {
  const { actions, setEditing } = useReach();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const node = area.current;
    node?.focus();
    node?.setSelectionRange(node.value.length, node.value.length);
  }, []);
  const save = () => {
    const text = area.current?.value ?? "";
    if (text.trim() !== "") {
      const others = message.content.filter((block) => block.type !== "text");
      actions.edit(message, [...others, { type: "text", text }]);
      setEditing(null);
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
        defaultValue={textOf(message.content)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            save();
          } else if (event.key === "Escape") {
            event.stopPropagation();
            setEditing(null);
          }
        }}
      />
      <div className="editor-bar">
        <span>The message before stays, as another version.</span>
        <button type="button" onClick={() => setEditing(null)}>
          Cancel
        </button>
        <button type="submit" className="primary">
          Send
        </button>
      </div>
    </form>
  );
}
