import { createAppAuth } from '@octokit/auth-app'
import type { Octokit } from '@octokit/core'

/** How we show GitHub who we are. */
export type GitHubCredential =
  | { kind: 'token'; token: string }
  | {
      kind: 'app'
      appId: string
      /** RSA, as PEM. */
      privateKey: string
    }

/** What goes into the `Authorization` of a request. */
export interface Authorisation {
  header: string
  /** Whose rate limit it counts against. */
  account: string
}

/** Whoever sees repositories: the token's owner, or one installation of an App. */
export interface Account {
  kind: GitHubCredential['kind']
  authorise(afresh: boolean, signal: AbortSignal): Promise<Authorisation>
}

export interface Authoriser {
  /** What `repository` is asked with. `afresh`: what was answered before was not accepted. */
  authorise(repository: string, afresh: boolean, signal: AbortSignal): Promise<Authorisation>
  /** Everybody we are, at most 1,000. */
  accounts(signal: AbortSignal): Promise<readonly Account[]>
  /** Whether asking afresh can help. */
  readonly renewable: boolean
}

type Request = Octokit['request']

export function createAuthoriser(credential: GitHubCredential, request: Request): Authoriser {
  if (credential.kind === 'app') return ofApp(credential, request)
  const answer = { header: `token ${credential.token}`, account: 'token' }
  const authorise = async () => answer
  return { authorise, accounts: async () => [{ kind: 'token', authorise }], renewable: false }
}

/** Milliseconds that an installation is remembered, and how many repositories at most. */
const installationKeptMs = 3_600_000
const mostInstallations = 10_000
const mostAccounts = 1_000
const pageSize = 100

/** An App has a token for each account it is installed on, good for an hour; auth-app keeps these. */
function ofApp(
  { appId, privateKey }: { appId: string; privateKey: string },
  request: Request,
): Authoriser {
  const app = createAppAuth({ appId, privateKey, request, log: { warn: () => {} } })
  const installations = new Map<string, { id: number; until: number }>()

  const findInstallation = async (repository: string, signal: AbortSignal): Promise<number> => {
    const known = installations.get(repository)
    if (known !== undefined && known.until > Date.now()) return known.id
    const [owner = '', repo = ''] = repository.split('/')
    const { token } = await app({ type: 'app' })
    const { data } = await request('GET /repos/{owner}/{repo}/installation', {
      owner,
      repo,
      headers: { authorization: `bearer ${token}` },
      request: { signal },
    })
    if (!Number.isSafeInteger(data.id)) throw new TypeError('no installation was answered')
    installations.delete(repository)
    installations.set(repository, { id: data.id, until: Date.now() + installationKeptMs })
    const [oldest] = installations.keys()
    if (installations.size > mostInstallations && oldest !== undefined) installations.delete(oldest)
    return data.id
  }
  const authoriseAs = async (installationId: number, afresh: boolean, signal: AbortSignal) => {
    // Concurrent calls share one request for a token, so it must not end with any of them.
    const made = app({ type: 'installation', installationId, refresh: afresh })
    const { token } = await orAbort(made, signal)
    return { header: `token ${token}`, account: `installation ${installationId}` }
  }
  return {
    renewable: true,
    async authorise(repository, afresh, signal) {
      const key = repository.toLowerCase()
      if (afresh) installations.delete(key)
      return authoriseAs(await findInstallation(key, signal), afresh, signal)
    },
    async accounts(signal) {
      const accounts: Account[] = []
      for (let page = 1; accounts.length < mostAccounts; page++) {
        const { token } = await app({ type: 'app' })
        const { data } = await request('GET /app/installations', {
          per_page: pageSize,
          page,
          headers: { authorization: `bearer ${token}` },
          request: { signal },
        })
        for (const { id, suspended_at: suspended } of data) {
          if (suspended != null) continue
          accounts.push({ kind: 'app', authorise: (afresh, own) => authoriseAs(id, afresh, own) })
        }
        if (data.length < pageSize) break
      }
      return accounts
    },
  }
}

function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    // Also where nobody waits any more: what it rejects with must not be left to the process.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
