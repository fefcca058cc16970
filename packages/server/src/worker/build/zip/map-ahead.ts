/**
 * Yields what `action` makes of each item, in their order, with up to `ahead` actions under way while
 * the one before is waited for or used. When it ends early, it waits for those that have begun.
 */
export async function* mapAhead<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  ahead: number,
  action: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = []
  try {
    for await (const item of items) {
      const result = action(item)
      // Whoever waits for it learns of its failure; until then it is nobody's fault.
      result.catch(() => {})
      begun.push(result)
      const first = begun.length > ahead ? begun.shift() : undefined
      if (first !== undefined) yield await first
    }
    for (let next = begun.shift(); next !== undefined; next = begun.shift()) yield await next
  } finally {
    await Promise.allSettled(begun)
  }
}
