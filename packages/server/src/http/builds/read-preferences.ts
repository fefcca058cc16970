/** What a `Prefer` header (RFC 7240) asks of an answer that may take long. */
export interface Preferences {
  respondAsync: boolean
  /** Milliseconds to wait at most. */
  waitMs: number | null
  /** For `Preference-Applied`. */
  applied: string | null
}

/** Reads `respond-async` and `wait=<seconds>`; of a preference that comes twice the first counts. */
export function readPreferences(header: string | string[] | undefined): Preferences {
  const items = [header ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((item) => item.split(';', 1)[0]?.trim().toLowerCase() ?? '')
  const respondAsync = items.includes('respond-async')
  const wait = items.find((item) => /^wait\s*=\s*"?\d{1,9}"?$/.test(item))
  const seconds = wait === undefined ? null : Number(wait.replaceAll(/\D/g, ''))
  const applied = [
    respondAsync ? 'respond-async' : '',
    seconds === null || respondAsync ? '' : `wait=${seconds}`,
  ].find((item) => item !== '')
  return {
    respondAsync,
    waitMs: seconds === null ? null : Math.min(seconds * 1_000, 2_147_483_647),
    applied: applied ?? null,
  }
}
