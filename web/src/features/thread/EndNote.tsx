import type { Turn } from "../../log/types";
import { useReach, useShown } from "./context";
import { ACTION_WORDS, endingOf } from "./endings";
import type { AnswerRow } from "./rows";

/** Why the answer ended, and what can be done about it while it is the last one. */
export function EndNote({ row, turn }: { row: AnswerRow; turn: Turn }) {
  const { act } = useReach();
  const told = useShown((state) => {
    const ending = endingOf(turn, state);
    return ending === null ? null : JSON.stringify(ending);
  });
  if (told === null) {
    return null;
  }
  const ending: NonNullable<ReturnType<typeof endingOf>> = JSON.parse(told);
  return (
    <div className={`ending ${ending.tone}`}>
      <p>{ending.text}</p>
      {row.isLast && (
        <div className="actions">
          {ending.actions.map((action) => (
            <button key={action} type="button" onClick={() => act(action, turn.id)}>
              {ACTION_WORDS[action]}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
