import { type RawBuilder, sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'

/** Whether the principal may see the repository in this column. */
export function visibleOnly(
  principal: Principal,
  column: RawBuilder<unknown>,
): RawBuilder<boolean> {
  if (principal.repositories === null) return sql<boolean>`true`
  return sql<boolean>`${column} = any (${[...principal.repositories]}::text[])`
}

/** Whether the column has the text in it, in any case; nothing in it is a pattern. */
export function contains(
  text: string | undefined,
  column: RawBuilder<unknown>,
): RawBuilder<boolean> {
  if (text === undefined) return sql<boolean>`true`
  return sql<boolean>`strpos(lower(${column}), ${text.toLowerCase()}) > 0`
}
