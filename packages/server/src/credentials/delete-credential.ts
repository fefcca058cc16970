import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { noSuchCredential } from './credential-rows.ts'
import type { CredentialsDeps } from './deps.ts'

/** Deletes a credential that no repository and no registry uses; else a `resource_conflict` that names these. */
export async function deleteCredential(
  deps: Pick<CredentialsDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<void> {
  requireUnlimited(input.principal, 'Credentials')
  try {
    const { numDeletedRows } = await deps.db
      .deleteFrom('credentials')
      .where('id', '=', input.id)
      .executeTakeFirst()
    if (numDeletedRows === 0n) throw noSuchCredential(String(input.id))
  } catch (error) {
    // The keys of `repositories.credential_id` and `container_registries.credential_id`.
    if (!(error instanceof Error && 'code' in error && error.code === '23503')) throw error
    const repositories = await usersOf(deps, 'repositories', input.id)
    const registries = await usersOf(deps, 'container_registries', input.id)
    const users = [...repositories, ...registries.map((name) => `the registry ${name}`)]
    throw new AppError('resource_conflict', `The credential is used by ${users.join(', ')}`, {
      in_use: true,
      repositories,
      registries,
    })
  }
}

async function usersOf(
  { db }: Pick<CredentialsDeps, 'db'>,
  table: 'repositories' | 'container_registries',
  id: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom(table)
    .select('name')
    .where('credential_id', '=', id)
    .orderBy('name')
    .limit(10)
    .execute()
  return rows.map(({ name }) => name)
}
