import type { Made, Memo } from './memo.ts'

/** Entries that a page may have to be kept. */
const maxEntries = 100

/** What a page shows of an entry: what time does not change is made once. */
type Shown<Row, Entry> = { done: Entry } | { row: Row }

/**
 * Answers the entries of a page. As long as nothing changed, its rows are not asked for again, and an
 * entry that has ended is the same object as before, which its writer may rely on.
 */
export async function keepPage<Row, Entry>(
  memo: Memo,
  page: {
    key: readonly unknown[]
    version: number
    now: Date
    find: () => Promise<Row[]>
    show: (row: Row) => Entry
    /** From when (ms) on a row shows as something else though nothing changed; infinity: never; null: always. */
    goodUntil: (row: Row) => number | null
    /** How many parts a row shows, itself among them: pages are kept as long as all together have not too many. */
    parts: (row: Row) => number
  },
): Promise<Entry[]> {
  const { key, version, now } = page
  const entries = await memo.share(JSON.stringify(key), version, now.getTime(), () =>
    makePage(page),
  )
  return entries.map((entry) => ('done' in entry ? entry.done : page.show(entry.row)))
}

async function makePage<Row, Entry>(
  page: Parameters<typeof keepPage<Row, Entry>>[1],
): Promise<Made<Shown<Row, Entry>[]>> {
  const rows = await page.find()
  let goodUntil = Number.POSITIVE_INFINITY
  const value = rows.map((row): Shown<Row, Entry> => {
    const until = page.goodUntil(row)
    if (until === null) return { row }
    if (until > page.now.getTime()) goodUntil = Math.min(goodUntil, until)
    return { done: page.show(row) }
  })
  const weight = rows.reduce((sum, row) => sum + page.parts(row), 0)
  return { value, weight, goodUntil: rows.length <= maxEntries ? goodUntil : null }
}
