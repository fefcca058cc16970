import type { Repository } from '@slipway/contract/repositories'
import type { Principal } from '../ports/identity.ts'
import { contactRemote } from './contact-remote.ts'
import type { RepositoriesDeps } from './deps.ts'
import {
  findRepository,
  noSuchRepository,
  type RepositoryRow,
  toRepository,
} from './repository-rows.ts'

/**
 * Contacts the repository and writes down what that came to. An SSH server that was not met before is
 * believed, and its key pinned; `acceptNewHostKey` forgets the pinned one first.
 */
export async function verifyRepository(
  deps: RepositoriesDeps,
  input: { principal: Principal; id: number; acceptNewHostKey: boolean },
  signal: AbortSignal,
): Promise<Repository> {
  const row = await findRepository(deps, input)
  return toRepository(
    await verifyRow(deps, input.acceptNewHostKey ? { ...row, host_keys: null } : row, signal),
  )
}

/** The same for a row that was just read or written. */
export async function verifyRow(
  deps: RepositoriesDeps,
  row: RepositoryRow,
  signal: AbortSignal,
): Promise<RepositoryRow> {
  const contact = await contactRemote(
    deps,
    { url: row.repository_url, credentialId: row.credential_id, hostKeys: row.host_keys },
    signal,
  )
  const now = new Date()
  const found = contact.ok
    ? {
        is_verified: true,
        verification_message: describe(contact.remote.branches.length),
        verified_at: now,
        host_keys: contact.hostKeys,
        default_branch: row.default_branch ?? contact.remote.defaultBranch,
      }
    : { is_verified: false, verification_message: contact.message }
  // What was contacted has to be what is registered: it may have been changed meanwhile.
  const updated = await deps.db
    .updateTable('repositories')
    .set(found)
    .where('id', '=', row.id)
    .where('repository_url', '=', row.repository_url)
    .where('credential_id', 'is not distinct from', row.credential_id)
    .returningAll()
    .executeTakeFirst()
  if (updated !== undefined) return updated
  const current = await deps.db
    .selectFrom('repositories')
    .selectAll()
    .where('id', '=', row.id)
    .executeTakeFirst()
  if (current === undefined) throw noSuchRepository(row.id)
  return current
}

function describe(branches: number): string {
  if (branches === 0) return 'Reached; it has no commit yet'
  return `Reached: ${branches} ${branches === 1 ? 'branch' : 'branches'}`
}
