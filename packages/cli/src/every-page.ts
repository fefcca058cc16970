/** All of a list that the server answers in pages, which `read` asks for from `offset` on. */
export async function everyPage<T>(
  read: (offset: number) => Promise<{ items: readonly T[]; count: number }>,
): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const { items, count } = await read(all.length)
    all.push(...items)
    if (items.length === 0 || all.length >= count) return all
  }
}
