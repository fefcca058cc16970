import { CliError } from './cli-error.ts'

/** What the server gives at most in answer to one request. */
const perRequest = 100

/** `limit` items from `offset` on, in as many requests as that takes, and how many there are in all. */
export async function readList<T>(
  { limit, offset }: { limit: number; offset: number },
  read: (page: {
    limit: number
    offset: number
  }) => Promise<{ items: readonly T[]; total: number }>,
): Promise<{ items: T[]; total: number }> {
  const items: T[] = []
  for (;;) {
    const asked = Math.min(perRequest, limit - items.length)
    const page = await read({ limit: asked, offset: offset + items.length })
    items.push(...page.items)
    const end = offset + items.length
    if (page.items.length < asked || items.length >= limit || end >= page.total) {
      return { items, total: page.total }
    }
  }
}

/**
 * The number of the page that begins at `offset`, for a server that counts pages.
 *
 * @throws CliError where none begins there
 */
export function pageAt(flags: { limit: number; offset: number; page?: number }): number {
  const { limit, offset, page } = flags
  if (page !== undefined) return page
  if (offset % limit === 0) return offset / limit + 1
  throw new CliError(
    `This list comes in pages of ${limit}, and none begins at ${offset}`,
    `Say a multiple of the limit: --limit ${limit} --offset ${offset - (offset % limit)}`,
  )
}
