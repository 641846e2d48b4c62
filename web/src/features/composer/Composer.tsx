import { type ReactNode, useEffect, useRef, useState } from "react";
import { notify } from "../../live/notices";
import { useWhole } from "../../live/store";
import { type Upload, uploadsOf } from "../../live/uploads";
import type { Block } from "../../log/types";
import { Clip, Send, Stop } from "../../ui/icons";
import { Attached } from "./Attached";
import { flushDraft, keepDraft, readDraft } from "./draft";

type Props = {
  /** Where a draft belongs: a conversation's id, or `new`. */
  place: string;
  running: boolean;
  /** Why nothing can be sent just now; null if it can. */
  held: string | null;
  onSend: (content: readonly Block[]) => void;
  onStop: () => void;
  onEditLast: () => void;
  children: ReactNode;
};

/** Where a person writes. What is typed belongs to the browser: React does not draw at a key. */
export function Composer({ place, running, held, onSend, onStop, onEditLast, children }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [empty, setEmpty] = useState(true);
  const [dropping, setDropping] = useState(false);
  const uploads = uploadsOf(place);
  const attached = useWhole(uploads.store);
  const unsent = attached.find((upload) => upload.kept === null);
  const why = held ?? (unsent === undefined ? null : reasonOf(unsent));

  useEffect(() => {
    const node = area.current;
    if (node !== null) {
      node.value = readDraft(place);
      setEmpty(node.value.trim() === "");
      if (matchMedia("(pointer: fine)").matches) {
        node.focus();
      }
    }
    return flushDraft;
  }, [place]);

  const send = () => {
    const text = area.current?.value ?? "";
    if ((text.trim() === "" && attached.length === 0) || area.current === null) {
      return;
    }
    if (why !== null) {
      notify(`${why}. What you wrote stays here.`);
      return;
    }
    const said: Block[] = text.trim() === "" ? [] : [{ type: "text", text }];
    onSend([...uploads.take(), ...said]);
    area.current.value = "";
    setEmpty(true);
    keepDraft(place, () => "");
    flushDraft();
  };
  const typed = () => {
    const node = area.current;
    if (node !== null) {
      setEmpty(node.value.trim() === "");
      keepDraft(place, () => node.value);
    }
  };
  const pressed = (event: React.KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && event.currentTarget.value === "") {
      event.preventDefault();
      onEditLast();
    }
  };
  const files = (list: FileList | null | undefined) => {
    if (list && list.length > 0) {
      uploads.add([...list]);
    }
    return Boolean(list && list.length > 0);
  };
  const nothing = empty && attached.length === 0;

  return (
    <form
      className={dropping ? "composer dropping" : "composer"}
      aria-label="New message"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={(event) => {
        event.preventDefault();
        setDropping(false);
        files(event.dataTransfer.files);
      }}
    >
      <div className="composer-box">
        {attached.length > 0 && <Attached uploads={attached} of={uploads} />}
        <textarea
          ref={area}
          rows={1}
          aria-label="Your message"
          placeholder={running ? "Write the next message" : "Write a message"}
          onInput={typed}
          onKeyDown={pressed}
          onPaste={(event) => files(event.clipboardData.files) && event.preventDefault()}
        />
        <div className="composer-bar">
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              files(event.currentTarget.files);
              event.currentTarget.value = "";
            }}
          />
          <button
            type="button"
            className="icon"
            aria-label="Attach files"
            title="Attach images, PDFs or text"
            onClick={() => picker.current?.click()}
          >
            <Clip />
          </button>
          <div className="choices">{children}</div>
          {running && (
            <button
              type="button"
              className="round stop"
              aria-label="Stop"
              title="Stop (Esc)"
              onClick={onStop}
            >
              <Stop />
            </button>
          )}
          {!(running && nothing) && (
            <button
              type="submit"
              className="round primary"
              aria-label="Send"
              title={why ?? "Send (Enter)"}
              disabled={why !== null || nothing}
            >
              <Send />
            </button>
          )}
        </div>
      </div>
    </form>
  );
}

/** Why nothing can be sent as long as this file is not there. */
function reasonOf(upload: Upload): string {
  return upload.problem === null
    ? `${upload.name} is still on its way`
    : `${upload.name} is not there: send it again, or remove it`;
}
