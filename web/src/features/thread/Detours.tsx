import type { Turn } from "../../log/types";
import { fallbackWords, retrySummary, retryWords } from "./detours";

/** That an answer did not come at once, or not from the model that was asked: while it happens and afterwards. */
export function Detours({ turn }: { turn: Turn }) {
  if (turn.retries.length === 0 && turn.fallbacks.length === 0) {
    return null;
  }
  return (
    <div className="detours">
      {fallbackWords(turn).map((words) => (
        <p key={words}>{words}</p>
      ))}
      {turn.retries.length > 0 && (
        <details>
          <summary>{retrySummary(turn)}</summary>
          <ul>
            {retryWords(turn).map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
