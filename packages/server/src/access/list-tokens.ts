import type { ListTokensResponse, Role } from '@slipway/contract/access'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'

/**
 * The tokens that were not revoked, newest first, expired ones included. A principal limited to
 * repositories is shown only tokens that see no more than itself.
 */
export async function listTokens(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; role?: Role | undefined; limit: number; offset: number },
): Promise<ListTokensResponse> {
  const { principal, role, limit, offset } = input
  let visible = deps.db.selectFrom('tokens').where('revoked_at', 'is', null)
  if (principal.repositories !== null) {
    visible = visible.where(sql<boolean>`repositories <@ ${[...principal.repositories]}::text[]`)
  }
  if (role !== undefined) visible = visible.where(sql<boolean>`${role} = any (roles)`)
  const [rows, { total }] = await Promise.all([
    visible
      .select(['id', 'name', 'roles', 'repositories', 'created_by'])
      .select(['created_at', 'expires_at', 'last_used_at'])
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .offset(offset)
      .execute(),
    visible.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return {
    tokens: rows.map((row) => ({
      ...row,
      roles: row.roles as Role[],
      created_at: row.created_at.toISOString(),
      expires_at: row.expires_at?.toISOString() ?? null,
      last_used_at: row.last_used_at?.toISOString() ?? null,
    })),
    total,
    limit,
    offset,
  }
}
