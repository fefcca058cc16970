/** The line of a log that an address links to, from 1. */
export function lineSearch(search: Record<string, unknown>): { line?: number } {
  const line = Number(search.line)
  return Number.isSafeInteger(line) && line > 0 ? { line } : {}
}
