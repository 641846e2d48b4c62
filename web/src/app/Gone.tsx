import { Outgoing } from "../features/thread/Outgoing";
import { useWhole } from "../live/store";
import { saidHere } from "./begun";
import { Header } from "./Header";
import { go } from "./route";
import { outbox } from "./session";

/** A conversation that is not there, or not any more; what was to be said in it still is. */
export function Gone({ id, onMenu }: { id: string; onMenu: (() => void) | null }) {
  const unsent = useWhole(outbox.store).filter((entry) => entry.conversation === id && entry.seq === null);
  const anew = (message_id: string) => {
    go(null);
    saidHere(message_id);
    outbox.anew(message_id);
  };
  return (
    <>
      <Header title="" onMenu={onMenu} />
      <div className="greeting">
        <h2>This conversation is not here</h2>
        <p>It was deleted, or its address is not whole.</p>
        {unsent.length > 0 && (
          <ol className="rows left-over">
            {unsent.map((entry) => (
              <li key={entry.id} className="row">
                <Outgoing id={entry.id} outbox={outbox} anew={anew} />
              </li>
            ))}
          </ol>
        )}
        <p>
          <button type="button" className="primary" onClick={() => go(null)}>
            New conversation
          </button>
        </p>
      </div>
    </>
  );
}
