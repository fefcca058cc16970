// Views of a parsed file that may be of any shape: what is not as expected reads as empty,
// since the check of its shape reports it.

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** The value of an object's own key. */
export function field(value: unknown, key: string): unknown {
  const record = asRecord(value)
  return Object.hasOwn(record, key) ? record[key] : undefined
}
