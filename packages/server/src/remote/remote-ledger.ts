import type {
  ClaimJobsResponse,
  FailAttemptResponse,
  FailJobResponse,
  FindQueuedResponse,
  HeldJobsResponse,
  NextRunResponse,
  ReportOutcomesRequest,
  ReportOutcomesResponse,
} from '@slipway/contract/worker-api'
import { workerLimits } from '@slipway/contract/worker-api'
import type { EncodedVerdict, WorkLedger } from '../jobs/index.ts'
import { attemptPath, workerPath } from './paths.ts'
import type { WorkerClient } from './http/open-worker-client.ts'
import { sendableText } from './sendable-text.ts'

/** Whoever works on the ledger tries again by itself, and knows when that has no more meaning. */
const repeat = 'never'

/** The ledger as a worker without the database works on it. */
export function createRemoteLedger(client: WorkerClient, workerId: string): WorkLedger {
  const own = workerPath(workerId)
  return {
    async claim({ types, limit, only }) {
      const body = {
        types,
        limit: Math.min(limit, workerLimits.claimed),
        ...(only === undefined ? {} : { only: only.slice(0, workerLimits.claimed) }),
      }
      const path = `${own}/claims`
      const { jobs } = await client.ask<ClaimJobsResponse>('POST', path, { body, repeat })
      return jobs.map(({ run_id, deadline_at, timeout_ms, origin = null, ...job }) => ({
        ...job,
        origin,
        runId: run_id,
        deadlineAt: new Date(deadline_at),
        timeoutMs: timeout_ms,
      }))
    },
    async complete({ verdicts }) {
      const accepted = new Set<string>()
      for (const body of bodiesOf(verdicts)) {
        const path = `${own}/outcomes`
        const answer = await client.ask<ReportOutcomesResponse>('POST', path, { body, repeat })
        for (const id of answer.accepted) accepted.add(id)
      }
      return accepted
    },
    async failAttempt({ error, ...claim }) {
      const body = { error: sendableText(error) }
      const path = `${attemptPath(claim)}/rejection`
      const answer = await client.ask<FailAttemptResponse>('POST', path, { body, repeat })
      return answer.ended ? { delayMs: answer.delay_ms } : null
    },
    async failJob({ error, result, ...claim }) {
      const body = {
        error: sendableText(error),
        ...(result === undefined || result === null ? {} : { result }),
      }
      const path = `${attemptPath(claim)}/failure`
      return (await client.ask<FailJobResponse>('POST', path, { body, repeat })).ended
    },
    async release({ only, error, excused = false }) {
      for (const attempts of inParts(only, workerLimits.attempts)) {
        const body = { attempts: attempts.map(toAttempt), error: sendableText(error), excused }
        await client.ask('POST', `${own}/releases`, { body, repeat })
      }
    },
    async giveBack({ attempts: all }) {
      for (const attempts of inParts(all, workerLimits.attempts)) {
        const body = { attempts: attempts.map(toAttempt) }
        await client.ask('POST', `${own}/returns`, { body, repeat })
      }
    },
    async listHeld({ types }) {
      const path = `${own}/jobs?${queryOf(types)}`
      return (await client.ask<HeldJobsResponse>('GET', path, { repeat })).jobs
    },
    async listQueued({ ids }) {
      const queued: string[] = []
      for (const part of inParts(ids, workerLimits.claimed)) {
        const body = { ids: part }
        const path = `${own}/queued`
        queued.push(...(await client.ask<FindQueuedResponse>('POST', path, { body, repeat })).ids)
      }
      return queued
    },
    async expire(claim) {
      await client.ask('POST', `${attemptPath(claim)}/expiry`, { repeat })
    },
    async msToNextRun({ types }) {
      const path = `${own}/next-run?${queryOf(types)}`
      return (await client.ask<NextRunResponse>('GET', path, { repeat })).ms
    },
  }
}

function toAttempt({ id, attempt }: { id: string; attempt: number }) {
  return { id, attempt }
}

function queryOf(types: readonly string[]): string {
  return types.map((type) => `type=${encodeURIComponent(type)}`).join('&')
}

function* inParts<T>(all: readonly T[], size: number): Iterable<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

/** As many outcomes as one request takes, by their number and by their size. */
function* bodiesOf(verdicts: readonly EncodedVerdict[]): Iterable<ReportOutcomesRequest> {
  let outcomes: ReportOutcomesRequest['outcomes'] = []
  let size = 0
  for (const { id, attempt, state, error, resultJson } of verdicts) {
    const bytes = (resultJson === null ? 0 : Buffer.byteLength(resultJson)) + 1_000
    const isFull = outcomes.length === workerLimits.outcomes
    if (outcomes.length > 0 && (isFull || size + bytes > workerLimits.outcomesBytes)) {
      yield { outcomes }
      outcomes = []
      size = 0
    }
    size += bytes
    outcomes.push({
      id,
      attempt,
      state,
      ...(error == null ? {} : { error: sendableText(error) }),
      ...(resultJson === null ? {} : { result: JSON.parse(resultJson) as unknown }),
    })
  }
  if (outcomes.length > 0) yield { outcomes }
}
