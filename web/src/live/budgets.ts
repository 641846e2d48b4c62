/** What is left of the budgets in force, for the conversation that is looked at. */

import * as api from "../api/conversations";
import type { Standing } from "../api/notices";
import { dollars } from "../log/totals";
import { Store } from "./store";

/** Ends of turns and news of budgets come together; one question answers them. */
const GATHER_MS = 300;

export class Budgets {
  readonly store = new Store<readonly Standing[]>([]);
  private conversation: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Of this conversation from now on. */
  look(conversation: string): void {
    if (conversation !== this.conversation) {
      this.conversation = conversation;
      this.store.set([]);
    }
    this.refresh();
  }

  readonly refresh = (): void => {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), GATHER_MS);
  };

  hear(standing: Standing): void {
    const standings = this.store.get();
    if (standings.some((known) => known.budget === standing.budget)) {
      this.store.set(standings.map((known) => (known.budget === standing.budget ? standing : known)));
    } else {
      this.refresh();
    }
  }

  private async load(): Promise<void> {
    const { conversation } = this;
    try {
      const standings = conversation === null ? [] : await api.standings(conversation);
      if (conversation === this.conversation) {
        this.store.set(standings);
      }
    } catch {
      // What was known stays; the next answer asks again.
    }
  }
}

/** A budget is nearly used up below this share of it. */
const LITTLE = 0.2;

/** The budget that has the smallest share left, if that is little. */
export function nearlyUsed(standings: readonly Standing[]): Standing | null {
  const little = standings.filter((each) => shareLeft(each) < LITTLE);
  return little.sort((a, b) => shareLeft(a) - shareLeft(b))[0] ?? null;
}

export function shareLeft({ usd, left_usd }: Standing): number {
  return left_usd === null ? 1 : Number(left_usd) / Math.max(Number(usd), 1e-9);
}

const SCOPES: Readonly<Record<string, string>> = {
  request: "Budget of each request",
  conversation: "Budget of this conversation",
  principal: "Your budget",
  installation: "Budget of this server",
};
const PERIODS: Readonly<Record<string, string>> = { day: " for today", month: " for this month", total: "" };

/** `principal/day` as people say it. */
export function budgetWords(budget: string): string {
  const [scope = "", period = ""] = budget.split("/");
  return `${SCOPES[scope] ?? `Budget ${scope}`}${PERIODS[period] ?? ""}`;
}

/** A decimal string of US dollars, as costs are told here. */
export function usdWords(usd: string): string {
  return dollars(Math.round(Number(usd) * 1e9));
}

/** A moment of RFC 3339 where the reader is. */
export function dateWords(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? at
    : date.toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
}
