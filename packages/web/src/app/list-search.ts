/** What the address of a list says: the words searched for, and the page from 1. */
export function listSearch(search: Record<string, unknown>): { search?: string; page?: number } {
  return {
    ...(typeof search.search === 'string' && search.search !== ''
      ? { search: search.search.slice(0, 140) }
      : {}),
    ...(Number.isSafeInteger(search.page) && Number(search.page) > 1
      ? { page: Number(search.page) }
      : {}),
  }
}
