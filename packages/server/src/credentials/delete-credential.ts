import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { noSuchCredential } from './credential-rows.ts'
import type { CredentialsDeps } from './deps.ts'

/** Deletes a credential that no repository uses; else a `resource_conflict` that names these. */
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
    // The key of `repositories.credential_id`.
    if (!(error instanceof Error && 'code' in error && error.code === '23503')) throw error
    const users = await deps.db
      .selectFrom('repositories')
      .select('name')
      .where('credential_id', '=', input.id)
      .orderBy('name')
      .limit(10)
      .execute()
    const names = users.map(({ name }) => name)
    throw new AppError('resource_conflict', `The credential is used by ${names.join(', ')}`, {
      in_use: true,
      repositories: names,
    })
  }
}
