import { branchesAt } from "../../log/tree";
import { Left, Right } from "../../ui/icons";
import { useReach, useShown } from "./context";

/** Which of the branches at a message is shown, and the way to the ones beside it. */
export function Branches({ message_id }: { message_id: string }) {
  const { actions } = useReach();
  const place = useShown((state) => {
    const message = state.messages[message_id];
    const branches = message === undefined ? [] : branchesAt(state, message);
    return `${branches.findIndex((branch) => branch.id === message_id) + 1}/${branches.length}`;
  });
  const busy = useShown((state) => state.running !== null);
  const [at = 0, count = 0] = place.split("/").map(Number);
  if (count < 2) {
    return null;
  }
  const go = (by: number) => {
    const { state } = actions.live;
    const message = state.messages[message_id];
    const branch = message && branchesAt(state, message)[at - 1 + by];
    if (branch !== undefined) {
      actions.show(branch);
    }
  };
  const title = busy ? "An answer is being written: stop it to look at another branch" : undefined;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <span className="branches" role="group" aria-label="Versions" title={title}>
      <button
        type="button"
        className="icon"
        aria-label="Version before"
        disabled={busy || at <= 1}
        onClick={() => go(-1)}
      >
        <Left />
      </button>
      <span>
        {at} / {count}
      </span>
      <button
        type="button"
        className="icon"
        aria-label="Next version"
        disabled={busy || at >= count}
        onClick={() => go(1)}
      >
        <Right />
      </button>
    </span>
  );
}
