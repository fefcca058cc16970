import {
  type ListSecretsResponse,
  maxSecretBytes,
  type StepSecret,
} from '@slipway/contract/secrets'
import { type Kysely, sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { requireUnlimited, requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { SealedColumn } from './rotate-keys.ts'
import type { SealedRecord, Vault } from './vault.ts'

export interface StepSecretsDeps {
  db: Kysely<Tables>
  vault: Vault
}

/** Secrets that one organisation or repository may have. */
const maxPerScope = 1_000

/** Where they are sealed. */
export const sealedStepSecrets: SealedColumn = {
  table: 'secrets',
  column: 'sealed',
  purpose: 'step secret',
  identity: ['id', 'scope', 'name'],
  label: 'The secret',
}

const recordOf = (row: { id: string; scope: string; name: string }): SealedRecord => ({
  purpose: sealedStepSecrets.purpose,
  id: `${row.id}\n${row.scope}\n${row.name}`,
  label: `The secret ${row.name} of ${row.scope}`,
})

const shown = ['scope', 'name', 'created_by', 'created_at', 'updated_by', 'updated_at'] as const

/**
 * Stores a secret of an organisation (`owner`) or a repository (`owner/name`), in place of the one with
 * that name. `created` says that there was none. Repeating it changes nothing but who and when.
 */
export async function putSecret(
  deps: StepSecretsDeps,
  input: { principal: Principal; scope: string; name: string; value: string },
): Promise<{ secret: StepSecret; created: boolean }> {
  const { principal, scope, name, value } = input
  requireScope(principal, scope)
  const bytes = Buffer.byteLength(value)
  if (bytes > maxSecretBytes) {
    const problem = { path: '/value', message: `has ${bytes} bytes, more than ${maxSecretBytes}` }
    throw new AppError('invalid_request', `The body is not valid: /value ${problem.message}`, {
      problems: [problem],
    })
  }
  const now = new Date()
  return deps.db.transaction().execute(async (trx) => {
    // One at a time in a scope: they are counted, and what is sealed names the row it is for.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`secrets ${scope}`}, 0))`.execute(trx)
    const before = await trx
      .selectFrom('secrets')
      .select('id')
      .where('scope', '=', scope)
      .where('name', '=', name)
      .executeTakeFirst()
    if (before === undefined) await requireRoom(trx, scope)
    const id = before?.id ?? uuid()
    const sealed = deps.vault.seal(recordOf({ id, scope, name }), value)
    const row = await trx
      .insertInto('secrets')
      .values({
        id,
        scope,
        name,
        sealed,
        created_by: principal.name,
        created_at: now,
        updated_by: principal.name,
        updated_at: now,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'name'])
          .doUpdateSet({ sealed, updated_by: principal.name, updated_at: now }),
      )
      .returning(shown)
      .executeTakeFirstOrThrow()
    return { secret: toSecret(row), created: before === undefined }
  })
}

/** Deletes a secret; `resource_not_found` where there is none. */
export async function deleteSecret(
  deps: Pick<StepSecretsDeps, 'db'>,
  input: { principal: Principal; scope: string; name: string },
): Promise<void> {
  const { principal, scope, name } = input
  requireScope(principal, scope)
  const { numDeletedRows } = await deps.db
    .deleteFrom('secrets')
    .where('scope', '=', scope)
    .where('name', '=', name)
    .executeTakeFirst()
  if (numDeletedRows > 0n) return
  throw new AppError('resource_not_found', `${scope} has no secret ${name}`)
}

/** Names, never values, by scope and name. A token that is limited to repositories sees only theirs. */
export async function listSecrets(
  deps: Pick<StepSecretsDeps, 'db'>,
  input: { principal: Principal; scopes: readonly string[]; limit: number; offset: number },
): Promise<ListSecretsResponse> {
  const { principal, scopes, limit, offset } = input
  for (const scope of scopes) requireScope(principal, scope)
  let visible = deps.db.selectFrom('secrets')
  if (principal.repositories !== null) {
    visible = visible.where('scope', 'in', principal.repositories)
  }
  if (scopes.length > 0) visible = visible.where('scope', 'in', scopes)
  const [rows, { total }] = await Promise.all([
    visible
      .select(shown)
      .orderBy(sql`scope collate "C", name collate "C"`)
      .limit(limit)
      .offset(offset)
      .execute(),
    visible.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { secrets: rows.map(toSecret), total, limit, offset }
}

/**
 * The values of secrets for a run of a repository; those of the repository itself win over those of
 * its organisation. What is not defined is absent. An `unavailable` names one that cannot be decrypted.
 */
export async function readStepSecrets(
  deps: StepSecretsDeps,
  input: { repository: string; names: readonly string[] },
): Promise<Record<string, string>> {
  const { repository, names } = input
  if (names.length === 0) return {}
  const [organisation = ''] = repository.split('/')
  const rows = await deps.db
    .selectFrom('secrets')
    .select(['id', 'scope', 'name', 'sealed'])
    .where('scope', 'in', [organisation, repository])
    .where('name', 'in', names)
    .execute()
  const chosen = new Map<string, (typeof rows)[number]>()
  for (const row of rows) {
    if (row.scope === repository || !chosen.has(row.name)) chosen.set(row.name, row)
  }
  return Object.fromEntries(
    [...chosen].map(([name, row]) => [name, deps.vault.open(recordOf(row), row.sealed)]),
  )
}

function requireScope(principal: Principal, scope: string): void {
  if (scope.includes('/')) requireVisible(principal, scope)
  else requireUnlimited(principal, 'Secrets of organisations')
}

async function requireRoom(db: Kysely<Tables>, scope: string): Promise<void> {
  const { count } = await db
    .selectFrom('secrets')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('scope', '=', scope)
    .executeTakeFirstOrThrow()
  if (count < maxPerScope) return
  throw new AppError(
    'limit_exceeded',
    `${scope} has ${maxPerScope} secrets, as many as it may have`,
    {
      limit: maxPerScope,
    },
  )
}

function toSecret(row: {
  scope: string
  name: string
  created_by: string
  created_at: Date
  updated_by: string
  updated_at: Date
}): StepSecret {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
