import { Octokit } from '@octokit/core'
import { GitHubError } from '../../../ports/github.ts'
import { createAuthoriser, type GitHubCredential } from './authorise.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { NonsenseAnswer } from './expect.ts'
import { explainFailure, type RefusedAnswer } from './explain-failure.ts'
import { createPlaces } from './take-places.ts'

export interface OctokitOptions {
  /** Without a slash at its end: `https://api.github.com`, or `https://<host>/api/v3`. */
  apiUrl: string
  credential: GitHubCredential
  /** Of ours: part of the user agent. */
  version: string
  /** Milliseconds that a call may take, waiting for its turn included. Default 30,000. */
  timeoutMs?: number
  /** Milliseconds that an upload may take. Default 900,000. */
  uploadTimeoutMs?: number
}

export interface Call {
  repository: string
  /** What is asked, for messages. */
  what: string
  signal: AbortSignal
  /** Statuses that mean that there is no such thing: the call answers null. */
  absent?: readonly number[]
  /** Whether it is a long one, which sends a file. */
  upload?: boolean
}

type Request = Octokit['request']
/** `owner` and `repo` of the repository. */
export interface At {
  owner: string
  repo: string
}

export interface GitHubCalls {
  apiUrl: string
  /** Asks once; `work` may be run again only where GitHub did not accept our token. */
  call<T>(
    call: Call & { absent: readonly number[] },
    work: (request: Request, at: At) => Promise<T>,
  ): Promise<T | null>
  call<T>(call: Call, work: (request: Request, at: At) => Promise<T>): Promise<T>
}

/** Requests under way at once: GitHub asks for as few as possible. */
const atOnce = 4
const mostWaiting = 200
const mostLimits = 1000

/** What every call has in common: its turn, its deadline, who we are, and what failing means. */
export function callGitHub(options: OctokitOptions): GitHubCalls {
  const { apiUrl, credential, version } = options
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const { request } = new Octokit({
    baseUrl: apiUrl,
    userAgent: `slipway/${version}`,
    request: { fetch: boundedFetch },
    log: silent,
  })
  const authoriser = createAuthoriser(credential, request)
  const places = createPlaces({ count: atOnce, waiting: mostWaiting })
  const uploads = createPlaces({ count: 2, waiting: mostWaiting })
  /** When each account may ask again. */
  const limits = new Map<string, number>()

  const ask = async <T>(
    call: Call,
    afresh: boolean,
    work: (request: Request, at: At) => Promise<T>,
  ): Promise<T> => {
    const { repository, what, signal } = call
    const { header, account } = await authoriser.authorise(repository, afresh, signal)
    const leftMs = (limits.get(account) ?? 0) - Date.now()
    if (leftMs > 0) throw new GitHubError('limited', `${what}: a limit of GitHub's holds`, leftMs)
    const headers = { authorization: header, 'x-github-api-version': '2022-11-28' }
    const [owner = '', repo = ''] = repository.split('/')
    try {
      return await work(request.defaults({ headers, request: { signal } }), { owner, repo })
    } catch (error) {
      const answer = answerOf(error)
      const failure = answer === null ? null : explainFailure(answer, what, Date.now())
      if (failure?.retryAfterMs != null) {
        limits.delete(account)
        limits.set(account, Date.now() + failure.retryAfterMs)
        const [oldest] = limits.keys()
        if (limits.size > mostLimits && oldest !== undefined) limits.delete(oldest)
      }
      throw error
    }
  }

  const askRenewing = async <T>(
    call: Call,
    work: (request: Request, at: At) => Promise<T>,
  ): Promise<T> => {
    try {
      return await ask(call, false, work)
    } catch (error) {
      if (!authoriser.renewable || answerOf(error)?.status !== 401) throw error
      return ask(call, true, work)
    }
  }

  const call = async <T>(given: Call, work: (request: Request, at: At) => Promise<T>) => {
    const ms = given.upload === true ? options.uploadTimeoutMs : options.timeoutMs
    const deadline = AbortSignal.timeout(ms ?? (given.upload === true ? 900_000 : 30_000))
    const signal = AbortSignal.any([given.signal, deadline])
    try {
      const turn = given.upload === true ? uploads : places
      return await turn.take(signal, () => askRenewing({ ...given, signal }, work))
    } catch (error) {
      given.signal.throwIfAborted()
      const answer = answerOf(error)
      if (answer !== null && given.absent?.includes(answer.status) === true) return null
      throw failureOf(error, answer, given)
    }
  }
  return { apiUrl, call }
}

/** Never the cause itself: it holds the request with all its headers. */
function failureOf(error: unknown, answer: RefusedAnswer | null, { what }: Call): GitHubError {
  if (error instanceof GitHubError) return error
  if (answer !== null) return explainFailure(answer, what, Date.now())
  const why =
    error instanceof NonsenseAnswer
      ? error.message
      : error instanceof Error && error.name === 'TimeoutError'
        ? 'no answer in time'
        : error instanceof Error
          ? error.message.slice(0, 200)
          : 'unknown'
  return new GitHubError('away', `${what}: GitHub can't be reached (${why})`)
}

/** The answer within an error of octokit's; null: there was none. */
export function answerOf(error: unknown): RefusedAnswer | null {
  if (!(error instanceof Error) || error.name !== 'HttpError' || !('response' in error)) return null
  const { response } = error as {
    response?: { status: number; headers: RefusedAnswer['headers']; data: unknown }
  }
  if (response === undefined) return null
  return { status: response.status, headers: response.headers, body: response.data }
}
