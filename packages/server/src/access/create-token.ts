import type { CreateTokenRequest, CreatedToken } from '@slipway/contract/access'
import type { Kysely } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { mayGrant } from './permissions.ts'
import { hashSecret, newTokenSecret } from './token-secret.ts'
import { canSee } from './visible-repositories.ts'

/** Names that the audit log uses for what has no row in the table of tokens. */
const reservedNames = new Set(['admin', 'anonymous', 'signed link'])
/** What the names of exchanged tokens begin with, and no others. */
export const exchangedPrefix = 'github-actions '

/**
 * Makes a token; the answer is the only place where its secret ever appears. Refused with
 * `authorization_failed` when it could do or see more than its maker, `resource_conflict`
 * when a valid token has the name, `invalid_request` when it would already be expired, or is a worker's and
 * limited to repositories.
 */
export async function createToken(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; request: CreateTokenRequest },
): Promise<CreatedToken> {
  const { principal, request } = input
  const { name, roles } = request
  const repositories = request.repositories ?? null
  const expiresAt = request.expires_at == null ? null : new Date(request.expires_at)
  const now = new Date()
  requireFuture(expiresAt, now)
  if (roles.includes('worker') && repositories !== null) {
    throw new AppError('invalid_request', 'A worker cannot be limited to repositories', {
      problems: [
        { path: '/repositories', message: 'must be absent: a worker’s jobs come from all' },
      ],
    })
  }
  refuseMoreThanOwn(principal, roles, repositories)
  if (reservedNames.has(name) || name.startsWith(exchangedPrefix)) throw nameTaken(name)

  const secret = newTokenSecret()
  const id = uuid()
  const inserted = await deps.db.transaction().execute(async (trx) => {
    // An expired token is no longer valid, so its name is free again.
    await trx
      .updateTable('tokens')
      .set((eb) => ({ revoked_at: eb.ref('expires_at') }))
      .where('name', '=', name)
      .where('revoked_at', 'is', null)
      .where('expires_at', '<=', now)
      .execute()
    return trx
      .insertInto('tokens')
      .values({
        id,
        name,
        secret_sha256: hashSecret(secret),
        roles: [...roles],
        repositories: repositories === null ? null : [...repositories],
        created_by: principal.name,
        created_at: now,
        expires_at: expiresAt,
      })
      .onConflict((conflict) => conflict.column('name').where('revoked_at', 'is', null).doNothing())
      .returning('id')
      .executeTakeFirst()
  })
  if (inserted === undefined) throw nameTaken(name)
  return {
    id,
    name,
    roles,
    repositories,
    created_by: principal.name,
    created_at: now.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    last_used_at: null,
    token: secret,
  }
}

/** Refuses an end that is over with `invalid_request`. */
export function requireFuture(expiresAt: Date | null, now: Date): void {
  // A leap second is a valid timestamp, yet no date: compared, it is never greater.
  if (expiresAt === null || expiresAt > now) return
  throw new AppError('invalid_request', 'expires_at is in the past', {
    problems: [{ path: '/expires_at', message: 'must be in the future' }],
  })
}

/** Refuses what could do or see more than the principal with `authorization_failed`. */
export function refuseMoreThanOwn(
  principal: Principal,
  roles: CreateTokenRequest['roles'],
  repositories: readonly string[] | null,
): void {
  const tooHigh = roles.filter((role) => !mayGrant(principal, role))
  if (tooHigh.length > 0) {
    throw new AppError(
      'authorization_failed',
      'A token cannot have roles beyond those of its maker',
      {
        roles: tooHigh,
      },
    )
  }
  if (principal.repositories === null) return
  const hidden = (repositories ?? []).filter((repository) => !canSee(principal, repository))
  if (repositories === null || hidden.length > 0) {
    throw new AppError(
      'authorization_failed',
      'A token cannot see repositories beyond those of its maker',
      { repositories: repositories === null ? null : hidden },
    )
  }
}

function nameTaken(name: string): AppError {
  return new AppError('resource_conflict', 'A valid token already has this name', { name })
}
