import type { Kysely, Transaction } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { canSee } from './visible-repositories.ts'

export interface RevokeTokenDeps {
  db: Kysely<Tables>
  /** Ends the token on this server at once; others notice when their memory of it is stale. */
  forgetToken: (id: string) => void
}

/**
 * Makes a token invalid for ever; repeating it is harmless. One that does not exist, or sees
 * more than the principal does, is `resource_not_found`.
 */
export async function revokeToken(
  deps: RevokeTokenDeps,
  input: { principal: Principal; id: string },
): Promise<void> {
  const { principal, id } = input
  await deps.db.transaction().execute(async (trx) => {
    const row = await requireTokenFor(trx, { principal, id })
    if (row.revoked_at !== null) return
    await trx.updateTable('tokens').set({ revoked_at: new Date() }).where('id', '=', id).execute()
  })
  deps.forgetToken(id)
}

/** The row of a token, locked; `resource_not_found` for one that sees more than the principal. */
export async function requireTokenFor(
  trx: Transaction<Tables>,
  input: { principal: Principal; id: string },
) {
  const { principal, id } = input
  const row = await trx
    .selectFrom('tokens')
    .select(['name', 'roles', 'repositories', 'created_by', 'created_at'])
    .select(['expires_at', 'last_used_at', 'revoked_at'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row !== undefined && seesAllOf(principal, row.repositories)) return row
  throw new AppError('resource_not_found', 'There is no such token', { id })
}

function seesAllOf(principal: Principal, repositories: readonly string[] | null): boolean {
  if (principal.repositories === null) return true
  return repositories?.every((repository) => canSee(principal, repository)) ?? false
}
