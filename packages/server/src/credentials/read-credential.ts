import type { CredentialData, CredentialType } from '@slipway/contract/credentials'
import { AppError } from '../errors.ts'
import type { GitLogin } from '../git/index.ts'
import { noSuchCredential, sealedRecord } from './credential-rows.ts'
import type { CredentialsDeps } from './deps.ts'
import { repositoriesOf } from './repositories-of.ts'

/** A credential with what it holds: only for whoever is about to use it. */
export type OpenCredential = {
  [T in CredentialType]: {
    id: number
    name: string
    type: T
    data: CredentialData<T>
    /** Whose commits may name it, as `owner/name` or `owner/*`; null: it does not say. */
    repositories: readonly string[] | null
  }
}[CredentialType]

/**
 * Reads a credential, by name or by id. `resource_not_found` where there is none, `unavailable` where
 * it has expired or cannot be decrypted.
 */
export async function readCredential(
  deps: CredentialsDeps,
  which: { name: string } | { id: number },
): Promise<OpenCredential> {
  const all = deps.db
    .selectFrom('credentials')
    .select(['id', 'name', 'credential_type', 'sealed', 'expires_at', 'metadata'])
  const row = await (
    'name' in which ? all.where('name', '=', which.name) : all.where('id', '=', which.id)
  ).executeTakeFirst()
  if (row === undefined) {
    throw noSuchCredential('name' in which ? which.name : String(which.id))
  }
  if (row.expires_at !== null && row.expires_at <= new Date()) {
    throw new AppError(
      'unavailable',
      `The credential ${row.name} expired at ${row.expires_at.toISOString()}`,
    )
  }
  const data: unknown = JSON.parse(deps.vault.open(sealedRecord(row), row.sealed))
  const { id, name, credential_type: type, metadata } = row
  return { id, name, type, data, repositories: repositoriesOf(metadata) } as OpenCredential
}

/** What git does with it; an `unavailable` of a credential that is not for git. */
export function gitLoginOf(credential: OpenCredential): {
  login: GitLogin
  hostKeys: string | null
} {
  switch (credential.type) {
    case 'git_https': {
      const { username, password_or_token: password } = credential.data
      return { login: { kind: 'password', username, password }, hostKeys: null }
    }
    case 'git_ssh': {
      const { private_key: privateKey, passphrase = null, known_hosts = null } = credential.data
      return { login: { kind: 'key', privateKey, passphrase }, hostKeys: known_hosts }
    }
    default:
      throw new AppError(
        'unavailable',
        `The credential ${credential.name} is of type ${credential.type}, which is not for Git`,
      )
  }
}
