import { performance } from 'node:perf_hooks'
import { currentTraceparent } from '../correlation.ts'
import type { Log } from '../db/log.ts'
import { TargetRefused, TargetUnknown } from './check-target.ts'
import type { ClaimedDelivery } from './claim-deliveries.ts'
import { secretRecord, type WebhooksDeps } from './deps.ts'
import { type AttemptResult, finishDelivered, finishFailed } from './finish-attempt.ts'
import { parseRetryAfter, planRetry } from './plan-retry.ts'
import { type Answer, type Connections, postJson } from './post-json.ts'
import { signDelivery } from './sign-delivery.ts'

export interface MakeDeliveryDeps extends Omit<WebhooksDeps, 'wakeSender'> {
  connections: Connections
  log: Log
  /** Of this program, for the header `user-agent`. */
  version: string
  /** Milliseconds for one attempt, from looking up the name to the answer's status. */
  timeoutMs: number
}

/**
 * Makes one attempt at a delivery, writes down what came of it, and answers that. `stopping` ends it: then it is due
 * again at once, for whoever comes next. Rejects only when nothing can be written down; then the
 * claim's lease runs out and somebody tries again.
 */
export async function makeDelivery(
  deps: MakeDeliveryDeps,
  claimed: ClaimedDelivery,
  stopping: AbortSignal,
): Promise<AttemptResult> {
  const begun = performance.now()
  const outcome = await attempt(deps, claimed, stopping)
  const answer = 'status' in outcome ? outcome : null
  const failure = answer === null ? (outcome as { error: string }).error : judge(answer.status)
  const result: AttemptResult = {
    durationMs: Math.round(performance.now() - begun),
    responseStatus: answer?.status ?? null,
    responseExcerpt: answer?.excerpt ?? null,
    error: failure,
  }
  if (failure === null) {
    await finishDelivered(deps.db, claimed, result)
    return result
  }
  const stopped = stopping.aborted && answer === null
  const disabled = await finishFailed(deps, claimed, {
    result,
    gone: answer?.status === 410,
    retryMs: stopped ? 0 : retryAfter(claimed, answer),
  })
  if (disabled !== null) {
    deps.log.warn({ webhook_id: claimed.webhook_id, reason: disabled }, 'a webhook was disabled')
  }
  return result
}

async function attempt(
  deps: MakeDeliveryDeps,
  claimed: ClaimedDelivery,
  stopping: AbortSignal,
): Promise<Answer | { error: string }> {
  const ending = new AbortController()
  const end = () => ending.abort()
  const timer = setTimeout(end, deps.timeoutMs)
  stopping.addEventListener('abort', end, { once: true })
  const { signal } = ending
  try {
    stopping.throwIfAborted()
    const url = deps.target.read(claimed.url)
    const addresses = await deps.target.addresses(url, signal)
    const traceparent = currentTraceparent()
    const headers = {
      ...(traceparent === null ? {} : { traceparent }),
      'user-agent': `Slipway/${deps.version}`,
      ...signDelivery({
        messageId: claimed.message_id,
        at: new Date(),
        body: claimed.body,
        secrets: openSecrets(deps, claimed),
      }),
    }
    const { connections } = deps
    return await postJson(connections, { url, addresses, headers, body: claimed.body, signal })
  } catch (error) {
    if (stopping.aborted) return { error: 'the server was stopped during this attempt' }
    if (signal.aborted) return { error: `there was no answer within ${deps.timeoutMs / 1000} s` }
    return { error: describe(error) }
  } finally {
    clearTimeout(timer)
    stopping.removeEventListener('abort', end)
  }
}

function openSecrets(deps: MakeDeliveryDeps, claimed: ClaimedDelivery): string[] {
  const { secret, previous_secret, previous_secret_until } = claimed
  const record = secretRecord(claimed.webhook_id)
  const sealed = [secret]
  const both = previous_secret_until !== null && previous_secret_until > new Date()
  if (previous_secret !== null && both) sealed.push(previous_secret)
  return sealed.map((one) => deps.vault.open(record, one))
}

/** Why a status is none of success; null when it is. */
function judge(status: number): string | null {
  if (status >= 200 && status < 300) return null
  if (status >= 300 && status < 400) return `it answered ${status}, and redirects are not followed`
  return `it answered ${status}`
}

function retryAfter(claimed: ClaimedDelivery, answer: Answer | null): number | null {
  const now = new Date()
  const asked = answer?.status === 429 || answer?.status === 503 ? answer.retryAfter : undefined
  return planRetry({
    attempt: claimed.attempt,
    ageMs: now.getTime() - claimed.created_at.getTime(),
    askedMs: parseRetryAfter(asked, now),
    random: Math.random(),
  })
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed without an answer',
  EPIPE: 'the connection was closed without an answer',
  ETIMEDOUT: 'no connection came about in time',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
}
const longestError = 300

function describe(error: unknown): string {
  if (error instanceof TargetRefused || error instanceof TargetUnknown) return error.message
  if (!(error instanceof Error)) return 'it failed'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const text = Object.hasOwn(words, code) ? words[code] : undefined
  return (text ?? (error.message || code || error.name)).slice(0, longestError)
}
