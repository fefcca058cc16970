/** By code units: which of two is the greater matters less than that everybody says the same. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
