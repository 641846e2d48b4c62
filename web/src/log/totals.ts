/** What was used and paid, in numbers that people can read. */

import { addUsage } from "./parts";
import { type Conversation, NO_USAGE, type Usage } from "./types";

export type Totals = Readonly<{
  turns: number;
  usage: Usage;
  cost_nanodollars: number;
  saved_nanodollars: number;
}>;

export function totalsOf(state: Conversation): Totals {
  let totals: Totals = { turns: 0, usage: NO_USAGE, cost_nanodollars: 0, saved_nanodollars: 0 };
  for (const turn of Object.values(state.turns)) {
    totals = {
      turns: totals.turns + (turn.model === null ? 0 : 1),
      usage: addUsage(totals.usage, turn.usage),
      cost_nanodollars: totals.cost_nanodollars + turn.cost_nanodollars,
      saved_nanodollars: totals.saved_nanodollars + turn.saved_nanodollars,
    };
  }
  return totals;
}

/** Everything that was read as input: uncached, written to the cache, read from it. */
export function inputOf(usage: Usage): number {
  const { input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens } = usage;
  return input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens;
}

/** The share of the input that came from the cache, in whole percent. */
export function cachedPercent(usage: Usage): number {
  const input = inputOf(usage);
  return input === 0 ? 0 : Math.round((100 * usage.cache_read_tokens) / input);
}

/** As dollars: exact above a cent to a tenth of one; below it two significant digits. */
export function dollars(nanodollars: number): string {
  const amount = nanodollars / 1e9;
  if (amount === 0) {
    return "$0";
  }
  if (Math.abs(amount) >= 0.01) {
    return `$${amount.toFixed(Math.abs(amount) >= 1 ? 2 : 3)}`;
  }
  const digits = Math.min(9, 1 - Math.floor(Math.log10(Math.abs(amount))));
  return `$${amount.toFixed(digits).replace(/0+$/, "")}`;
}

const NUMBER = new Intl.NumberFormat("en");

export function tokens(count: number): string {
  return NUMBER.format(count);
}
