import { Header } from "./Header";
import { go } from "./route";

/** A conversation that is not there, or not any more. */
export function Gone({ onMenu }: { onMenu: (() => void) | null }) {
  return (
    <>
      <Header title="" onMenu={onMenu} />
      <div className="greeting">
        <h2>This conversation is not here</h2>
        <p>It was deleted, or its address is not whole.</p>
        <p>
          <button type="button" className="primary" onClick={() => go(null)}>
            New conversation
          </button>
        </p>
      </div>
    </>
  );
}
