import { setTimeout as sleep } from 'node:timers/promises'
import { Octokit } from '@octokit/core'
import { GitHubError } from '../../../ports/github.ts'
import type { RequestBudget } from '../../../ports/github-actions.ts'
import { type Account, createAuthoriser, type GitHubCredential } from './authorise.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { NonsenseAnswer } from './expect.ts'
import { explainFailure, type RefusedAnswer } from './explain-failure.ts'
import { createLimits, type RequestObserver } from './keep-limits.ts'
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
  /** Told of every request. */
  observe?: RequestObserver
}

export interface Call {
  /** owner/name, or in whose name what is about none. */
  repository: string | Account
  /** What is asked, for messages. */
  what: string
  signal: AbortSignal
  /** Statuses that mean that there is no such thing: the call answers null. */
  absent?: readonly number[]
  /** Whether it is a long one, which sends a file. */
  upload?: boolean
  /** Whether it starts something: these wait for one another, a second apart, as GitHub asks. */
  starts?: boolean
  /** Whether a job waits for it: it has places of its own, not behind everything that is looked up. */
  urgent?: boolean
  /** Whether it only reads: it is sent again, later and later, where there was no answer. */
  reads?: boolean
}

type Request = Octokit['request']
/** `owner` and `repo` of the repository. */
export interface At {
  owner: string
  repo: string
}

export interface GitHubCalls {
  apiUrl: string
  budget(): RequestBudget | null
  /** Everybody we are. */
  accounts(signal: AbortSignal): Promise<readonly Account[]>
  /** Asks once; `work` may be run again where GitHub did not accept our token, or it only reads. */
  call<T>(
    call: Call & { absent: readonly number[] },
    work: (request: Request, at: At) => Promise<T>,
  ): Promise<T | null>
  call<T>(call: Call, work: (request: Request, at: At) => Promise<T>): Promise<T>
}

/** Requests under way at once: GitHub asks for as few as possible. */
const atOnce = 4
const mostWaiting = 200
const startsApartMs = 1_000
/** Milliseconds before a read is sent again; each shortened by chance, by up to a half. */
const pausesMs = [1_000, 4_000]

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
  const urgent = createPlaces({ count: atOnce, waiting: mostWaiting })
  const starts = createPlaces({ count: 1, waiting: 30, apartMs: startsApartMs })
  const limits = createLimits(options.observe)

  const ask = async <T>(
    call: Call,
    afresh: boolean,
    work: (request: Request, at: At) => Promise<T>,
  ): Promise<T> => {
    const { repository, what, signal } = call
    const { header, account } =
      typeof repository === 'string'
        ? await authoriser.authorise(repository, afresh, signal)
        : await repository.authorise(afresh, signal)
    const leftMs = limits.waitMs(account)
    if (leftMs > 0) throw new GitHubError('limited', `${what}: a limit of GitHub's holds`, leftMs)
    const headers = { authorization: header, 'x-github-api-version': '2022-11-28' }
    const [owner = '', repo = ''] = typeof repository === 'string' ? repository.split('/') : []
    const observed = { signal, fetch: limits.observing(account, boundedFetch) }
    try {
      return await work(request.defaults({ headers, request: observed }), { owner, repo })
    } catch (error) {
      const answer = answerOf(error)
      const failure = answer === null ? null : explainFailure(answer, what, Date.now())
      if (failure?.retryAfterMs != null) limits.pause(account, failure.retryAfterMs)
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

  const turnsOf = (given: Call) => {
    if (given.upload === true) return uploads
    if (given.starts === true) return starts
    return given.urgent === true ? urgent : places
  }

  const call = async <T>(given: Call, work: (request: Request, at: At) => Promise<T>) => {
    const ms = given.upload === true ? options.uploadTimeoutMs : options.timeoutMs
    const deadline = AbortSignal.timeout(ms ?? (given.upload === true ? 900_000 : 30_000))
    const signal = AbortSignal.any([given.signal, deadline])
    for (let sent = 1; ; sent++) {
      try {
        return await turnsOf(given).take(signal, () => askRenewing({ ...given, signal }, work))
      } catch (error) {
        given.signal.throwIfAborted()
        const answer = answerOf(error)
        if (answer !== null && given.absent?.includes(answer.status) === true) return null
        const failure = failureOf(error, answer, given)
        const pauseMs = given.reads === true ? pausesMs[sent - 1] : undefined
        if (failure.reason !== 'away' || pauseMs === undefined || signal.aborted) throw failure
        await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
        given.signal.throwIfAborted()
        if (signal.aborted) throw failure
      }
    }
  }
  const accounts = async (signal: AbortSignal) => {
    try {
      return await authoriser.accounts(signal)
    } catch (error) {
      signal.throwIfAborted()
      throw failureOf(error, answerOf(error), { what: 'Installations of the App' })
    }
  }
  return { apiUrl, budget: limits.budget, accounts, call }
}

/** Never the cause itself: it holds the request with all its headers. */
function failureOf(
  error: unknown,
  answer: RefusedAnswer | null,
  { what }: Pick<Call, 'what'>,
): GitHubError {
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
