/** Conversations by how long ago they changed. */

import type { Header } from "../../api/conversations";

export type Age = Readonly<{ name: string; headers: readonly Header[] }>;

const DAY_MS = 86_400_000;

/** `headers` is sorted, newest first; `now` is milliseconds since the epoch. */
export function byAge(headers: readonly Header[], now: number): Age[] {
  const today = new Date(now).setHours(0, 0, 0, 0);
  const ages: [string, number][] = [
    ["Today", today],
    ["Yesterday", today - DAY_MS],
    ["This week", today - 6 * DAY_MS],
    ["This month", today - 29 * DAY_MS],
    ["Earlier", Number.NEGATIVE_INFINITY],
  ];
  const ageOf = (header: Header) => ages.find(([, from]) => header.updated_at >= from)?.[0];
  return ages
    .map(([name]) => ({ name, headers: headers.filter((header) => ageOf(header) === name) }))
    .filter((age) => age.headers.length > 0);
}
