import type { Standing } from "../../api/notices";
import { budgetWords, dateWords, nearlyUsed, usdWords } from "../../live/budgets";

/** The budgets in force: what is left of each, and when it begins anew. */
export function Left({ standings }: { standings: readonly Standing[] }) {
  if (standings.length === 0) {
    return null;
  }
  const little = nearlyUsed(standings);
  return (
    <dl className="left" aria-label="Budgets">
      {standings.map((standing) => (
        <div key={standing.budget}>
          <dt>
            {budgetWords(standing.budget)}
            {standing.resets_at && <small>anew {dateWords(standing.resets_at)}</small>}
          </dt>
          <dd className={standing === little ? "little" : ""}>{words(standing)}</dd>
        </div>
      ))}
    </dl>
  );
}

function words({ usd, left_usd }: Standing): string {
  return left_usd === null ? usdWords(usd) : `${usdWords(left_usd)} of ${usdWords(usd)} left`;
}
