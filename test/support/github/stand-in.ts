import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { ActionsState } from './actions-state.ts'
import { readApiDescription } from './api-description.ts'
import {
  createGitHubState,
  type Asset,
  type Deployment,
  type Release,
  type Status,
} from './state.ts'
import type { OperationId } from './operations.ts'
import type { RunnersState } from './runners-state.ts'
import { judgeToken, type KnownCredential } from './tokens.ts'

/** A request that the stand-in has seen. */
export interface Seen {
  method: string
  path: string
  /** Null: none that it knows. */
  operation: OperationId | null
  /** owner/name of a path that has them. */
  repository: string
  headers: IncomingMessage['headers']
  body: unknown
  /** What was answered; null: nothing. */
  status: number | null
}

/** What it does with a request instead of what GitHub would: `undefined` is nothing special. */
export type Behaviour = (request: Seen) => Fault | undefined
export type Fault =
  | { kind: 'hang up' }
  | { kind: 'never answer' }
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body: string }
  /** Does what was asked, and hangs up. */
  | { kind: 'lose the answer' }

/**
 * A GitHub over a socket: it keeps what it is told, and answers as GitHub's published description says.
 * Requests and answers that are not as described are `violations`.
 */
export interface GitHubStandIn {
  /** Its API. */
  readonly url: string
  readonly seen: readonly Seen[]
  readonly violations: readonly string[]
  /** In the order they were made. */
  readonly statuses: readonly Status[]
  readonly deployments: readonly Deployment[]
  readonly releases: readonly Release[]
  readonly assets: readonly Asset[]
  /** Repositories with workflows, and what became of these. */
  readonly actions: ActionsState
  /** Self-hosted runners. */
  readonly runners: RunnersState
  /** What it says of the requests that are left; an answer of 304 takes none. */
  readonly budget: { limit: number; remaining: number; reset: number }
  /** Repositories that it does not know: all others are there. */
  readonly unknown: Set<string>
  /** Commits of refs such as `tags/v1`. */
  readonly commits: Map<string, string>
  behave(behaviour: Behaviour | null): void
  close(): Promise<void>
}

export async function startGitHubStandIn(credential: KnownCredential): Promise<GitHubStandIn> {
  const api = readApiDescription()
  const seen: Seen[] = []
  const violations: string[] = []
  const unknown = new Set<string>()
  const commits = new Map<string, string>()
  const budget = { limit: 5_000, remaining: 5_000, reset: Math.ceil(Date.now() / 1000) + 3_600 }
  const hanging = new Set<ServerResponse>()
  let behaviour: Behaviour | null = null
  let base = ''
  const state = createGitHubState({ api, base: () => base, commits })

  const answer = (response: ServerResponse, entry: Seen, status: number, body: unknown) => {
    entry.status = status
    if (entry.operation !== null)
      violations.push(...api.answerProblems(entry.operation, status, body))
    const text = status === 204 ? undefined : JSON.stringify(body)
    const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' }
    if (entry.method === 'GET' && status === 200 && text !== undefined) {
      headers['etag'] = `W/"${createHash('sha256').update(text).digest('hex')}"`
      if (entry.headers['if-none-match'] === headers['etag']) {
        entry.status = 304
        response.writeHead(304, { ...headers, ...limitHeaders() })
        return response.end()
      }
    }
    budget.remaining = Math.max(0, budget.remaining - 1)
    response.writeHead(status, { ...headers, ...limitHeaders() })
    return response.end(text)
  }
  const limitHeaders = () => ({
    'x-ratelimit-limit': String(budget.limit),
    'x-ratelimit-remaining': String(budget.remaining),
    'x-ratelimit-reset': String(budget.reset),
    'x-ratelimit-resource': 'core',
  })
  const problem = (message: string, more: object = {}) => ({
    message,
    documentation_url: 'https://docs.github.com/rest',
    ...more,
  })

  const respond = (response: ServerResponse, entry: Seen, raw: Buffer) => {
    const url = new URL(entry.path, 'http://github')
    const path = state.actions.resolve(url.pathname.replace(/^\/uploads/, ''))
    const match = api.match(entry.method, path)
    if (match === null) return answer(response, entry, 404, problem('Not Found'))
    entry.operation = match.operation
    const { params } = match
    entry.repository = params['owner'] === undefined ? '' : `${params['owner']}/${params['repo']}`
    const isUpload = match.operation === 'repos/upload-release-asset'
    entry.body = isUpload ? raw : raw.length === 0 ? undefined : JSON.parse(raw.toString('utf8'))
    const fault = behaviour?.(entry)
    if (fault?.kind === 'hang up') return response.destroy()
    if (fault?.kind === 'never answer') return hanging.add(response)
    if (fault?.kind === 'answer') {
      entry.status = fault.status
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      return response.end(fault.body)
    }
    const moved = state.actions.redirect(entry.path)
    if (moved !== null) {
      entry.status = entry.method === 'GET' ? 301 : 307
      response.writeHead(entry.status, { location: moved, ...limitHeaders() })
      return response.end(JSON.stringify({ message: 'Moved Permanently', url: moved }))
    }
    const token = judgeToken(credential, entry.headers.authorization, match.operation)
    if (!token) return answer(response, entry, 401, problem('Bad credentials'))
    if (budget.remaining === 0 && budget.reset > Date.now() / 1000) {
      return answer(response, entry, 403, problem('API rate limit exceeded for user ID 1.'))
    }
    if (unknown.has(entry.repository)) return answer(response, entry, 404, problem('Not Found'))
    const problems = api.requestProblems({
      ...match,
      query: url.searchParams,
      contentType: entry.headers['content-type'] ?? '',
      body: isUpload ? undefined : entry.body,
    })
    if (isUpload && entry.headers['content-length'] === undefined)
      problems.push('no content-length')
    if (entry.headers['user-agent']?.startsWith('slipway/') !== true) problems.push('no user agent')
    if (problems.length > 0 && !isUpload)
      violations.push(...problems.map((text) => `${match.operation}: ${text}`))
    const { status, body } = state.handle(match, url.searchParams, entry, raw)
    if ('tokens' in credential && match.operation === 'apps/create-installation-access-token') {
      credential.tokens.push((body as { token: string }).token)
    }
    if (fault?.kind === 'lose the answer') return response.destroy()
    return answer(
      response,
      entry,
      status,
      status >= 400 ? problem(...(body as [string, object?])) : body,
    )
  }

  const server = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request
    const entry: Seen = {
      method,
      path,
      operation: null,
      repository: '',
      headers,
      body: undefined,
      status: null,
    }
    buffer(request).then(
      (raw) => {
        seen.push(entry)
        respond(response, entry, raw)
      },
      () => response.destroy(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: base,
    seen,
    violations,
    unknown,
    commits,
    statuses: state.statuses,
    deployments: state.deployments,
    releases: state.releases,
    assets: state.assets,
    actions: state.actions,
    runners: state.runners,
    budget,
    behave: (next) => void (behaviour = next),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** GitHub's answers when too much was asked of it. */
export const limits = {
  primary: (resetInSeconds: number): Fault => ({
    kind: 'answer',
    status: 403,
    headers: {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + resetInSeconds),
    },
    body: JSON.stringify({ message: 'API rate limit exceeded for installation ID 1.' }),
  }),
  secondary: (retryAfterSeconds: number): Fault => ({
    kind: 'answer',
    status: 429,
    headers: { 'retry-after': String(retryAfterSeconds) },
    body: JSON.stringify({ message: 'You have exceeded a secondary rate limit.' }),
  }),
}

export const garbage: Fault = { kind: 'answer', status: 200, body: '<html>Sign in to continue' }
export const refusal = (status: number, message: string): Fault => ({
  kind: 'answer',
  status,
  body: JSON.stringify({ message }),
})
