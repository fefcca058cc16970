import type { Session } from '@slipway/contract/sign-in'
import type { Kysely } from 'kysely'
import { permissionsOfRole } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { csrfTokenOf } from './cookies.ts'

/**
 * Who somebody is, what they may do and see, and for how long. `secret` is that of the session's cookie;
 * null where a token came.
 */
export async function describeSession(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; secret: string | null },
): Promise<Session> {
  const { principal, secret } = input
  const { id, name, roles, repositories, expiresAt } = principal
  const permissions = new Set(roles.flatMap((role) => [...permissionsOfRole[role]]))
  const row =
    principal.session === undefined || secret === null
      ? undefined
      : await deps.db
          .selectFrom('sessions')
          .select(['method', 'created_at', 'ends_at'])
          .where('id', '=', principal.session)
          .executeTakeFirst()
  return {
    id,
    name,
    roles: [...roles],
    permissions: [...permissions].toSorted(),
    repositories: repositories === null ? null : [...repositories],
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    session:
      row === undefined || secret === null
        ? null
        : {
            method: row.method,
            created_at: row.created_at.toISOString(),
            idle_expires_at: row.ends_at.toISOString(),
            csrf_token: csrfTokenOf(secret),
          },
  }
}
