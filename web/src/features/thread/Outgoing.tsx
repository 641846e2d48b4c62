import type { Entry, Outbox } from "../../live/outbox";
import { useStore } from "../../live/store";
import { textOf } from "../../log/blocks";
import { CopyButton } from "../../ui/CopyButton";
import { Said } from "./Question";

type Props = {
  id: string;
  outbox: Outbox;
  /** Sends it in a new conversation; given where its own is gone. */
  anew?: (id: string) => void;
};

/** A message on its way. It stays here, with what is wrong, until the server has it or the person lets it go. */
export function Outgoing({ id, outbox, anew }: Props) {
  const entry = useStore(outbox.store, (entries) => entries.find((each) => each.id === id));
  if (entry === undefined) {
    return null;
  }
  return (
    <article className="question outgoing" aria-label="You, not sent yet">
      {entry.content === null ? (
        <p className="state">Asking for another answer…</p>
      ) : (
        <Said content={entry.content} />
      )}
      {entry.problem === null ? (
        entry.seq === null && <p className="state late">Sending… It is kept here until the server has it.</p>
      ) : (
        <Problem entry={entry} detail={entry.problem.detail} outbox={outbox} anew={anew} />
      )}
    </article>
  );
}

type ProblemProps = { entry: Entry; detail: string; outbox: Outbox; anew: Props["anew"] };

function Problem({ entry, detail, outbox, anew }: ProblemProps) {
  return (
    <div className="ending wrong" role="alert">
      <p>{detail}</p>
      <div className="actions">
        {anew === undefined ? (
          <button type="button" onClick={() => outbox.again(entry.id)}>
            Send again
          </button>
        ) : (
          entry.content !== null && (
            <button type="button" onClick={() => anew(entry.id)}>
              Send in a new conversation
            </button>
          )
        )}
        <button type="button" onClick={() => outbox.drop(entry.id)}>
          Discard
        </button>
        {entry.content !== null && <CopyButton text={textOf(entry.content)} label="Copy message" />}
      </div>
    </div>
  );
}
