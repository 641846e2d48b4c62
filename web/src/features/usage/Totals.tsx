import { useId, useRef, useSyncExternalStore } from "react";
import { type Budgets, nearlyUsed, usdWords } from "../../live/budgets";
import type { LiveConversation } from "../../live/conversation";
import { useWhole } from "../../live/store";
import { cachedPercent, dollars, inputOf, tokens, totalsOf } from "../../log/totals";
import { Left } from "./Left";

/** What the conversation has cost so far: in a word, and, when asked, in full. */
export function Totals({ live, budgets }: { live: LiveConversation; budgets: Budgets }) {
  const id = useId();
  const standings = useWhole(budgets.store);
  const little = nearlyUsed(standings);
  const kept = useRef("");
  const read = () => {
    const { state } = live.store.get();
    if (state.running === null || kept.current === "") {
      kept.current = JSON.stringify(totalsOf(state)); // it changes when an answer ends
    }
    return kept.current;
  };
  const totals: ReturnType<typeof totalsOf> = JSON.parse(useSyncExternalStore(live.store.subscribe, read));
  if (totals.turns === 0 && little === null) {
    return null;
  }
  const facts = [
    ["Answers", tokens(totals.turns)],
    ["Read", `${tokens(inputOf(totals.usage))} tokens`],
    ["… from the cache", `${cachedPercent(totals.usage)} %`],
    ["Written", `${tokens(totals.usage.output_tokens)} tokens`],
    ["Cost", dollars(totals.cost_nanodollars)],
    ["Saved by the cache", dollars(totals.saved_nanodollars)],
  ];
  return (
    <>
      <button type="button" className="facts" popoverTarget={id} title="What this conversation used and cost">
        {little?.left_usd && <span className="little">{usdWords(little.left_usd)} left</span>}
        <span className="cost">{dollars(totals.cost_nanodollars)}</span>
      </button>
      <div
        id={id}
        popover="auto"
        className="popover"
        role="dialog"
        aria-label="What this conversation used and cost"
      >
        <dl>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Left standings={standings} />
      </div>
    </>
  );
}
