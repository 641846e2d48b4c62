import type { Header, Hit } from "../../api/conversations";
import type { Search } from "../../live/search";
import { useWhole } from "../../live/store";
import { follow } from "./links";
import { piecesOf } from "./marks";

type Open = (id: string, message_id?: string) => void;

type Props = { search: Search; listed: readonly Header[]; open: Open };

/** What was found: conversations by their title, and messages by their words. */
export default function Results({ search, listed, open }: Props) {
  const { query, phase, hits, titles, cursor, problem } = useWhole(search.store);
  const words = query.trim().toLocaleLowerCase();
  const named = listed.filter((header) => header.title.toLocaleLowerCase().includes(words));
  const isEmpty = phase === "ready" && hits.length === 0 && named.length === 0;
  return (
    <div className="results" aria-busy={phase === "searching"}>
      <p className={isEmpty ? "faint" : "unseen"} role="status">
        {phase === "ready" && saying(hits.length + named.length, cursor !== null)}
      </p>
      {phase === "failed" && (
        <p className="faint" role="alert">
          {problem}{" "}
          <button type="button" className="quiet" onClick={() => void search.again()}>
            Try again
          </button>
        </p>
      )}
      {named.length > 0 && (
        <section aria-label="Conversations of that name">
          <h2>Titles</h2>
          <ul>
            {named.map((header) => (
              <li key={header.id} className="item">
                <a
                  className="hit"
                  href={`/c/${header.id}`}
                  onClick={(event) => follow(event, () => open(header.id))}
                >
                  {header.title}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {hits.length > 0 && (
        <section aria-label="Messages with these words">
          <h2>Messages</h2>
          <ul>
            {hits.map((hit) => (
              <Found key={hit.message_id} hit={hit} title={titles[hit.conversation_id] ?? ""} open={open} />
            ))}
          </ul>
          {cursor !== null && (
            <button type="button" className="quiet more" onClick={() => void search.more()}>
              Show more
            </button>
          )}
        </section>
      )}
    </div>
  );
}

function Found({ hit, title, open }: { hit: Hit; title: string; open: Open }) {
  const { conversation_id: id, message_id } = hit;
  return (
    <li className="item">
      <a
        className="hit"
        href={`/c/${id}#${message_id}`}
        onClick={(event) => follow(event, () => open(id, message_id))}
      >
        <strong>{title || "Untitled"}</strong>
        <span>
          {piecesOf(hit.snippet, hit.marks).map((piece, index) =>
            // biome-ignore lint/suspicious/noArrayIndexKey: a snippet does not change
            piece.marked ? <mark key={index}>{piece.text}</mark> : piece.text,
          )}
        </span>
      </a>
    </li>
  );
}

function saying(count: number, more: boolean): string {
  if (count === 0) {
    return "No message has all of these words.";
  }
  return more ? `More than ${count} found.` : `${count} found.`;
}
