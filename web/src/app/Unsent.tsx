import type { Entry } from "../live/outbox";
import { useWhole } from "../live/store";
import { textOf } from "../log/blocks";
import { go } from "./route";
import { outbox } from "./session";

/** Messages of conversations that are not open, and that the server does not have yet: the way to each. */
export function Unsent() {
  const unsent = useWhole(outbox.store).filter((entry) => entry.conversation !== null && entry.seq === null);
  if (unsent.length === 0) {
    return null;
  }
  return (
    <section className="unsent late" aria-label="Not sent yet">
      <h3>Not sent yet</h3>
      <ul>
        {unsent.map((entry) => (
          <li key={entry.id}>
            <a
              href={`/c/${entry.conversation}`}
              onClick={(event) => {
                event.preventDefault();
                go(entry.conversation);
              }}
            >
              {wordsOf(entry)}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function wordsOf({ content }: Entry): string {
  return content === null ? "Another answer" : textOf(content).trim() || "Files without words";
}
