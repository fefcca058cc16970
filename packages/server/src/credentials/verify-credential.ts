import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import { GitError, listRemote, openRemote, parseRemoteUrl } from '../git/index.ts'
import type { Principal } from '../ports/identity.ts'
import { checkSshKey } from './check-ssh-key.ts'
import type { CredentialsDeps } from './deps.ts'
import { registryLoginOf } from './open-registry-credential.ts'
import { gitLoginOf, type OpenCredential, readCredential } from './read-credential.ts'
import { tryRegistry } from './try-registry.ts'

export interface VerifyDeps extends CredentialsDeps {
  /** For what git needs to get in; hidden from steps. */
  accessDirectory: string
  /** Takes the place of Amazon ECR's own address. */
  ecrEndpoint?: string
}

export interface Verification {
  isVerified: boolean
  message: string
}

/**
 * Tries a credential: a key is opened, a remote or a registry contacted. `url` is where; by default a
 * repository that uses it, or the registry of its type. What fails is a value, not an error.
 */
export async function verifyCredential(
  deps: VerifyDeps,
  input: { principal: Principal; id: number; url: string | undefined },
  signal: AbortSignal,
): Promise<Verification> {
  const { principal, id, url } = input
  requireUnlimited(principal, 'Credentials')
  try {
    const credential = await readCredential(deps, { id })
    const message = credential.type.startsWith('git_')
      ? await tryGit(deps, credential, url, signal)
      : await tryLogin(credential, url, deps.ecrEndpoint ?? null)
    return { isVerified: true, message }
  } catch (error) {
    const known = error instanceof GitError || error instanceof AppError
    if (!known || (error instanceof AppError && error.code === 'resource_not_found')) throw error
    return { isVerified: false, message: error.message }
  }
}

async function tryGit(
  deps: VerifyDeps,
  credential: OpenCredential,
  given: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { login, hostKeys } = gitLoginOf(credential)
  const fingerprint = login.kind === 'key' ? await checkSshKey(deps.accessDirectory, login) : null
  const user = given === undefined ? await findUser(deps, credential.id) : null
  const url = given ?? user?.repository_url
  if (url === undefined) {
    if (fingerprint !== null) return `The private key can be used: ${fingerprint}`
    throw new AppError(
      'unavailable',
      'No repository uses it yet; name the url of one to try it against',
    )
  }
  const parsed = parseRemoteUrl(url)
  if (!parsed.ok) throw new AppError('unavailable', `The url ${parsed.problem}`)
  if (parsed.protocol === 'file') {
    throw new AppError('unavailable', 'A file: URL needs no credential')
  }
  const known = hostKeys ?? user?.host_keys ?? null
  const access = await openRemote(
    { directory: deps.accessDirectory },
    // Nothing is pinned by a try: a host that is not known is only looked at.
    { url, login, hostKeys: known, learnHostKeys: known === null },
  )
  try {
    const { branches } = await listRemote(access, signal)
    return `${url} can be read: ${branches.length} branches`
  } finally {
    await access.close()
  }
}

async function findUser(deps: CredentialsDeps, id: number) {
  return deps.db
    .selectFrom('repositories')
    .select(['repository_url', 'host_keys'])
    .where('credential_id', '=', id)
    .orderBy('is_verified', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

async function tryLogin(
  credential: OpenCredential,
  given: string | undefined,
  ecrEndpoint: string | null,
): Promise<string> {
  const login = await registryLoginOf(credential, ecrEndpoint)
  // Amazon has just been asked, and gives no login to the wrong keys.
  if (credential.type === 'registry_aws_ecr' && given === undefined) {
    return `Amazon ECR gives a login for ${login.registryUrl ?? 'its registry'}`
  }
  const url = given ?? login.registryUrl
  if (url === null) {
    throw new AppError(
      'unavailable',
      'It does not say which registry it is for: name its url, or add registry_url',
    )
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new AppError('unavailable', 'The url of a registry begins with https:// or http://')
  }
  await tryRegistry(url, login)
  return `${new URL(url).origin} takes the login`
}
