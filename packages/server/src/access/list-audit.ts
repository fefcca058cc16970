import type { ListAuditResponse } from '@slipway/contract/access'
import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

/**
 * The newest entries of the audit log, or those before a given one. Its entries belong to no
 * repository, so a principal that is limited to some is refused.
 */
export async function listAudit(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; before: number | null; limit: number },
): Promise<ListAuditResponse> {
  if (input.principal.repositories !== null) {
    throw new AppError(
      'authorization_failed',
      'The audit log needs a token that is not limited to repositories',
    )
  }
  let entries = deps.db.selectFrom('audit_log').selectAll()
  if (input.before !== null) entries = entries.where('id', '<', input.before)
  const rows = await entries.orderBy('id', 'desc').limit(input.limit).execute()
  return { entries: rows.map((row) => ({ ...row, at: row.at.toISOString() })) }
}
