export interface Page<T> {
  items: readonly T[]
  total: number
}

/**
 * All items of an offset-paginated list, a page at a time as the loop gets there. A list that
 * grows at its front meanwhile shifts; an item seen on the page before is not given again.
 */
export async function* paginate<T extends { id: string | number }>(
  load: (offset: number, limit: number) => Promise<Page<T>>,
  start: { offset?: number | undefined; limit?: number | undefined } = {},
): AsyncGenerator<T, void, undefined> {
  const limit = start.limit ?? 100
  let before = new Set<string | number>()
  for (let offset = start.offset ?? 0; ; offset += limit) {
    const { items, total } = await load(offset, limit)
    for (const item of items) if (!before.has(item.id)) yield item
    before = new Set(items.map(({ id }) => id))
    if (items.length < limit || offset + items.length >= total) return
  }
}
