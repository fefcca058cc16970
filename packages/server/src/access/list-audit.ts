import type { ListAuditResponse } from '@slipway/contract/access'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

/** Entries that words are looked for in. */
const lookedThrough = 20_000

/**
 * The newest entries of the audit log, or those before a given one. Its entries belong to no
 * repository, so a principal that is limited to some is refused.
 */
export async function listAudit(
  deps: { db: Kysely<Tables> },
  input: {
    principal: Principal
    before: number | null
    search?: string | undefined
    limit: number
  },
): Promise<ListAuditResponse> {
  if (input.principal.repositories !== null) {
    throw new AppError(
      'authorization_failed',
      'The audit log needs a token that is not limited to repositories',
    )
  }
  const { before, search } = input
  const rows = await deps.db
    .selectFrom((from) =>
      from
        .selectFrom('audit_log')
        .selectAll()
        .$if(before !== null, (query) => query.where('id', '<', before ?? 0))
        .orderBy('id', 'desc')
        .limit(search === undefined ? input.limit : lookedThrough)
        .as('entry'),
    )
    .selectAll()
    .$if(search !== undefined, (query) =>
      query.where(
        sql<boolean>`strpos(lower(concat_ws(' ', actor, action, resource)), ${search?.toLowerCase()}) > 0`,
      ),
    )
    .orderBy('id', 'desc')
    .limit(input.limit)
    .execute()
  return { entries: rows.map((row) => ({ ...row, at: row.at.toISOString() })) }
}
