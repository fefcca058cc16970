/**
 * Where a page begins in a list whose rows are counted by day, newest day first: in which day, and behind
 * how many of its rows. Null: the list is not that long.
 */
export function findPage(
  days: readonly { day: number; count: number }[],
  offset: number,
): { total: number; start: { day: number; skip: number } | null } {
  let total = 0
  let start: { day: number; skip: number } | null = null
  for (const { day, count } of days) {
    if (start === null && offset < total + count) start = { day, skip: offset - total }
    total += count
  }
  return { total, start }
}
