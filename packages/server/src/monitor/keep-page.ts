import type { Memo } from './memo.ts'

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
  },
): Promise<Entry[]> {
  const key = JSON.stringify(page.key)
  const kept = memo.recall(key, page.version, page.now.getTime())
  const entries = (kept as Shown<Row, Entry>[] | undefined) ?? (await makePage(memo, page, key))
  return entries.map((entry) => ('done' in entry ? entry.done : page.show(entry.row)))
}

async function makePage<Row, Entry>(
  memo: Memo,
  page: Parameters<typeof keepPage<Row, Entry>>[1],
  key: string,
): Promise<Shown<Row, Entry>[]> {
  const rows = await page.find()
  let goodUntil = Number.POSITIVE_INFINITY
  const entries = rows.map((row): Shown<Row, Entry> => {
    const until = page.goodUntil(row)
    if (until === null) return { row }
    if (until > page.now.getTime()) goodUntil = Math.min(goodUntil, until)
    return { done: page.show(row) }
  })
  if (rows.length <= maxEntries) memo.keep(key, page.version, entries, goodUntil)
  return entries
}
