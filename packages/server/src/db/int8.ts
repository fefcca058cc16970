import type { CustomTypesConfig } from 'pg'
import pg from 'pg'

/**
 * Reads a PostgreSQL bigint as a number. One that a number can't hold exactly fails the query:
 * a rounded id or cursor would point at somebody else's row.
 */
export function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is not a safe integer`)
  return value
}

/** Type parsers of our own connections; those of other users of `pg` stay as they are. */
export const typeParsers: CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (oid === pg.types.builtins.INT8 && format !== 'binary') return parseInt8
    return pg.types.getTypeParser(oid, format) as (value: string) => unknown
  },
}
