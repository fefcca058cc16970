import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import { GitHubError } from '../ports/github.ts'
import { startRunWithin } from '../runs/index.ts'
import type { GithubDeps } from './deps.ts'
import { githubPrincipal } from './github-principal.ts'
import { closePullRequest, offerPullRequest } from './offer-pull-request.ts'
import type { Wanted } from './read-delivery.ts'

/** A delivery whose turn it is. */
export interface DueDelivery {
  number: number
  repository: string
  wanted: Wanted
  attempt: number
  receivedAt: Date
}

/** What is needed of a delivery to say what came of it. */
export type Tried = Pick<DueDelivery, 'number' | 'attempt' | 'receivedAt'>

/** What came of a delivery; `again` is the time in milliseconds after which it is tried again. */
type Outcome =
  | { status: 'done'; runId: string | null; note: string | null }
  | { status: 'failed'; note: string }
  | { status: 'again'; ms: number; note: string }

const retryMs = 5_000
const longestRetryMs = 300_000
/** What is still refused then is given up. */
const givenUpAfterMs = 3_600_000

/** Does what a delivery asks for, once. Answers whether the ones behind it may follow. */
export async function handleDelivery(
  deps: GithubDeps,
  delivery: DueDelivery,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { wanted, repository } = delivery
    const commit =
      wanted.kind === 'tag' ? await findTag(deps, repository, wanted.ref, signal) : null
    await transact(deps, async (unit) => {
      await settle(unit.trx, delivery, await act(deps, unit, delivery, commit))
    })
    return true
  } catch (error) {
    if (signal.aborted) throw error
    const outcome = judge(error, delivery)
    await settle(deps.db, delivery, outcome)
    return outcome.status !== 'again'
  }
}

async function act(
  deps: GithubDeps,
  unit: UnitOfWork,
  { repository, wanted }: DueDelivery,
  tagged: string | null,
): Promise<Outcome> {
  switch (wanted.kind) {
    case 'push':
    case 'pull request': {
      const type = wanted.kind === 'push' ? 'push' : 'pull_request'
      return start(deps, unit, { ...wanted, repository, type })
    }
    case 'tag': {
      if (tagged === null) return nothing('there is no such tag, or no token to look with')
      const push = { ...wanted, repository, commit: tagged, type: 'push' } as const
      return (await hasRun(unit, push)) ? nothing('its push came, too') : start(deps, unit, push)
    }
    case 'fork':
      return offerPullRequest(deps, unit, { repository, offered: wanted })
    case 'closed pull request':
      await closePullRequest(unit, { repository, number: wanted.number })
      return nothing(null)
  }
}

const nothing = (note: string | null): Outcome => ({ status: 'done', runId: null, note })

interface NewRun {
  repository: string
  ref: string
  commit: string
  by: string
  type: 'push' | 'pull_request'
}

async function start(deps: GithubDeps, unit: UnitOfWork, run: NewRun): Promise<Outcome> {
  const { id } = await startRunWithin(deps, unit, {
    principal: githubPrincipal,
    request: {
      repository: run.repository,
      branch: run.ref,
      commit_sha: run.commit,
      trigger_type: run.type,
      triggered_by: run.by,
    },
  })
  return { status: 'done', runId: id, note: null }
}

async function hasRun(unit: UnitOfWork, { repository, ref, commit }: NewRun): Promise<boolean> {
  const { rows } = await sql`
    select 1 from runs
    where repository = ${repository} and commit_sha = ${commit} and branch = ${ref} limit 1
  `.execute(unit.trx)
  return rows.length > 0
}

function findTag(
  deps: GithubDeps,
  repository: string,
  ref: string,
  signal: AbortSignal,
): Promise<string | null> {
  if (deps.github === null) return Promise.resolve(null)
  return deps.github.findCommit(repository, ref.replace('refs/', ''), signal)
}

/** What becomes of a delivery that could not be done. */
export function judge(error: unknown, delivery: Tried): Outcome {
  const isOld = Date.now() - delivery.receivedAt.getTime() > givenUpAfterMs
  const ms = Math.min(longestRetryMs, retryMs * 2 ** Math.min(delivery.attempt, 10))
  if (error instanceof AppError) {
    const { code, message, details } = error
    const runId = details?.['run_id']
    if (code === 'resource_conflict' && typeof runId === 'string') {
      return { status: 'done', runId, note: 'the commit had an active run already' }
    }
    const passes = code === 'limit_exceeded' || code === 'unavailable'
    return passes && !isOld
      ? { status: 'again', ms, note: message }
      : { status: 'failed', note: message }
  }
  const note = error instanceof Error ? error.message.slice(0, 500) : 'unknown'
  if (error instanceof GitHubError) {
    const passes = error.reason === 'away' || error.reason === 'limited'
    if (!passes || isOld) return { status: 'failed', note }
    return { status: 'again', ms: Math.max(ms, error.retryAfterMs ?? 0), note }
  }
  return isOld ? { status: 'failed', note } : { status: 'again', ms, note }
}

export async function settle(
  db: Pick<Kysely<Tables>, 'getExecutor'>,
  { number }: Tried,
  outcome: Outcome,
): Promise<void> {
  const { status, note } = outcome
  const again = status === 'again'
  const result = await sql`
    update github_deliveries
    set status = ${again ? 'pending' : status}, note = ${note}, attempt = attempt + 1,
        run_id = ${status === 'done' ? outcome.runId : null}::uuid,
        next_attempt_at = ${again ? sql`now() + ${outcome.ms}::float8 * interval '1 ms'` : null}
    where number = ${number} and status = 'pending'`.execute(db)
  // Another server had the duty meanwhile: what this one did goes back with its transaction.
  if (result.numAffectedRows !== 1n) throw new Error(`delivery ${number} was handled already`)
}
