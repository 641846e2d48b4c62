import { useId, useState } from "react";
import { spoken } from "../../live/server";
import { cachedPercent, dollars, inputOf, tokens } from "../../log/totals";
import type { Turn } from "../../log/types";

/** What a turn used and cost: in a word, and, when asked, in full. */
export function Facts({ turn }: { turn: Turn }) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const { usage } = turn;
  const cost = costOf(turn);
  return (
    <>
      <button type="button" className="facts" popoverTarget={id} title="What this answer used and cost">
        {spoken(turn.model ?? "")} · {cost}
        {cachedPercent(usage) > 0 && ` · ${cachedPercent(usage)} % cached`}
      </button>
      <div
        id={id}
        popover="auto"
        className="popover"
        role="dialog"
        aria-label="What this answer used and cost"
        onBeforeToggle={(event) => setOpen(event.newState === "open")}
      >
        {open && <All turn={turn} />}
      </div>
    </>
  );
}

function costOf(turn: Turn): string {
  return turn.cost_nanodollars === 0 ? "free" : dollars(turn.cost_nanodollars);
}

function All({ turn }: { turn: Turn }) {
  const { usage } = turn;
  return (
    <dl>
      <Fact name="Model" value={turn.model ?? ""} />
      <Fact name="Read" value={`${tokens(inputOf(usage))} tokens`} />
      <Fact name="… from the cache" value={tokens(usage.cache_read_tokens)} />
      <Fact
        name="… written to the cache"
        value={tokens(usage.cache_write_5m_tokens + usage.cache_write_1h_tokens)}
      />
      <Fact name="Written" value={`${tokens(usage.output_tokens)} tokens`} />
      {usage.thinking_tokens > 0 && <Fact name="… of it thinking" value={tokens(usage.thinking_tokens)} />}
      {usage.web_search_requests > 0 && <Fact name="Searches" value={tokens(usage.web_search_requests)} />}
      {turn.retries.length > 0 && <Fact name="Tried again" value={`${turn.retries.length} ×`} />}
      <Fact name="Cost" value={costOf(turn)} />
      {turn.saved_nanodollars > 0 && (
        <Fact name="Saved by the cache" value={dollars(turn.saved_nanodollars)} />
      )}
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
