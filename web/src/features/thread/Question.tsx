import { memo } from "react";
import { addressOf } from "../../api/files";
import { textOf } from "../../log/blocks";
import type { Block } from "../../log/types";
import { CopyButton } from "../../ui/CopyButton";
import { Pencil } from "../../ui/icons";
import { Branches } from "./Branches";
import { useReach, useShown } from "./context";
import { Editor } from "./Editor";
import type { QuestionRow } from "./rows";

/** What a person said: as they wrote it, without markdown. */
export const Question = memo(function Question({ row }: { row: QuestionRow }) {
  const { actions, editing, setEditing } = useReach();
  const message = useShown((state) => state.messages[row.message_id]);
  if (message === undefined) {
    return null;
  }
  if (editing === message.id) {
    return <Editor message={message} />;
  }
  return (
    <article className={`question ${row.standing}`} aria-label="You">
      <Said content={message.content} />
      <footer className="tools">
        {row.standing === "queued" ? (
          <>
            <span className="state">Waits for the answer above</span>
            <button type="button" className="quiet" onClick={() => actions.withdraw(row.turn_id)}>
              Withdraw
            </button>
          </>
        ) : (
          <>
            {row.standing === "sent" && <Branches message_id={message.id} />}
            <CopyButton text={textOf(message.content)} label="Copy message" />
            <button
              type="button"
              className="icon"
              aria-label="Edit message"
              title="Edit message"
              onClick={() => setEditing(message.id)}
            >
              <Pencil />
            </button>
          </>
        )}
      </footer>
    </article>
  );
});

export function Said({ content }: { content: readonly Block[] }) {
  const text = textOf(content);
  const others = content.filter((block) => block.type !== "text");
  return (
    <>
      {others.length > 0 && (
        <div className="attached">
          {others.map((block, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a message does not change
            <Attached key={index} block={block} />
          ))}
        </div>
      )}
      {text !== "" && <p className="bubble">{text}</p>}
    </>
  );
}

type Source = { type?: string; file_id?: string; media_type?: string; data?: string };

function Attached({ block }: { block: Block }) {
  const source = (block.source ?? {}) as Source;
  const title = typeof block.title === "string" ? block.title : "";
  const address = source.file_id === undefined ? null : addressOf(source.file_id);
  if (block.type === "image" && (address !== null || source.type === "base64")) {
    const image = address ?? `data:${source.media_type};base64,${source.data}`;
    return <img src={image} alt={title || "Attached"} />;
  }
  const name = title || (source.media_type === "application/pdf" ? "PDF" : "Document");
  if (address === null) {
    return <span className="chip">{name}</span>;
  }
  return (
    <a className="chip" href={address} target="_blank" rel="noopener noreferrer" download={name}>
      {name}
    </a>
  );
}
