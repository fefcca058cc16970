import type { CreatedToken, Role, RotateTokenRequest } from '@slipway/contract/access'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { exchangedPrefix, requireFuture, refuseMoreThanOwn } from './create-token.ts'
import { requireTokenFor, type RevokeTokenDeps } from './revoke-token.ts'
import { hashSecret, newTokenSecret } from './token-secret.ts'

/**
 * Gives a token a new secret, in this answer alone, and what it was before is refused: at once on this
 * server, and on others when their memory of it is stale. Who it is, and what it may do, stays. One that
 * does not exist, was revoked, or sees more than the principal is `resource_not_found`; one that could do
 * more `authorization_failed`; one that was exchanged, or would end at once, `resource_conflict`.
 */
export async function rotateToken(
  deps: RevokeTokenDeps,
  input: { principal: Principal; id: string; request: RotateTokenRequest },
): Promise<CreatedToken> {
  const { principal, id, request } = input
  const now = new Date()
  const wanted = request.expires_at == null ? null : new Date(request.expires_at)
  requireFuture(wanted, now)
  const secret = newTokenSecret()
  const row = await deps.db.transaction().execute(async (trx) => {
    const found = await requireTokenFor(trx, { principal, id })
    if (found.revoked_at !== null) throw noSuchToken(id)
    if (found.name.startsWith(exchangedPrefix)) {
      throw new AppError('resource_conflict', 'A token that was exchanged has no other', { id })
    }
    const roles = found.roles as Role[]
    refuseMoreThanOwn(principal, roles, found.repositories)
    const expiresAt = request.expires_at === undefined ? found.expires_at : wanted
    if (expiresAt !== null && expiresAt <= now) {
      throw new AppError('resource_conflict', 'The token has expired: say when it is to end', {
        id,
      })
    }
    await trx
      .updateTable('tokens')
      .set({ secret_sha256: hashSecret(secret), expires_at: expiresAt })
      .where('id', '=', id)
      .execute()
    return { ...found, roles, expires_at: expiresAt }
  })
  deps.forgetToken(id)
  return {
    id,
    name: row.name,
    roles: row.roles,
    repositories: row.repositories,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    token: secret,
  }
}

function noSuchToken(id: string): AppError {
  return new AppError('resource_not_found', 'There is no such token', { id })
}
