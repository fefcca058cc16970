const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/

/** Milliseconds since 1970 of an ISO 8601 date, or date and time; UTC where it does not say. Null: it is none. */
export function parseMoment(text: string): number | null {
  const parts = form.exec(text)
  if (parts === null) return null
  const [, year, month, day] = parts.map(Number)
  const isWhole = text.length === 10 || /(?:Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10))
  const at = Date.parse((isWhole ? text : `${text}Z`).replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  if (Number.isNaN(at)) return null
  // Date takes the 31st of February for a day in March.
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day))
  return date.getUTCMonth() + 1 === month && date.getUTCDate() === day ? at : null
}
