import { createHash } from 'node:crypto'
import type { GithubDeliveryAnswer } from '@slipway/contract/github'
import { AppError } from '../errors.ts'
import { readWorkflowDelivery, type WorkflowDelivery, workflowEvents } from '../monitor/index.ts'
import type { GithubDeps } from './deps.ts'
import { readDelivery, type Wanted } from './read-delivery.ts'
import { verifySignature } from './verify-signature.ts'

/** A request to GitHub's webhook, as it came. */
export interface GithubDelivery {
  /** Names of GitHub's headers. */
  event: string | undefined
  deliveryId: string | undefined
  signature: string | undefined
  contentType: string | undefined
  body: Buffer
}

/** Milliseconds that a new tag waits for the push that says its commit. */
const tagWaitsMs = 30_000

/**
 * Takes a delivery whose signature is ours, and stores what it asks for; the rest happens later. One
 * that came before, by its id or by its body, is a duplicate, unless nothing came of it then.
 * `authentication_failed` where it is not signed, `invalid_request` where it cannot be read,
 * `unavailable` where no secret is set.
 */
export async function receiveDelivery(
  deps: GithubDeps & { tagWaitsMs?: number },
  delivery: GithubDelivery,
): Promise<GithubDeliveryAnswer> {
  requireSigned(deps, delivery)
  const { event = '', deliveryId = '', body } = delivery
  if (!/^[a-z0-9_]{1,60}$/.test(event)) throw invalid('X-GitHub-Event is missing or not one')
  if (!/^[A-Za-z0-9-]{1,100}$/.test(deliveryId)) {
    throw invalid('X-GitHub-Delivery is missing or not one')
  }
  const payload = parsePayload(delivery)
  const { repository, wanted, reason } = workflowEvents.includes(event)
    ? aboutWorkflows(deps, event, payload)
    : aboutRuns(deps, event, payload)
  const waitsMs = wanted?.kind === 'tag' ? (deps.tagWaitsMs ?? tagWaitsMs) : 0
  const isNew = await deps.storeDelivery({
    deliveryId,
    bodySha: createHash('sha256').update(body).digest(),
    event,
    repository,
    wanted,
    note: reason,
    waitsMs,
  })
  if (!isNew) return { delivery_id: deliveryId, status: 'duplicate' }
  if (wanted === null) {
    return { delivery_id: deliveryId, status: 'ignored', ...(reason === null ? {} : { reason }) }
  }
  deps.wakeDeliveries(event)
  return { delivery_id: deliveryId, status: 'accepted' }
}

/** What a delivery asks for, or in words why nothing. */
interface Understood<T> {
  repository: string | null
  wanted: T | null
  reason: string | null
}

type Payload = Readonly<Record<string, unknown>>

function aboutRuns(deps: GithubDeps, event: string, payload: Payload): Understood<Wanted> {
  const { repository, outcome } = readDelivery(event, payload)
  if (typeof outcome === 'string') return { repository, wanted: null, reason: outcome }
  if (repository !== null && deps.wants(repository)) {
    return { repository, wanted: outcome, reason: null }
  }
  const reason = 'its repository is none of GITHUB_WEBHOOK_REPOSITORIES'
  return { repository, wanted: null, reason }
}

function aboutWorkflows(
  { workflows }: GithubDeps,
  event: string,
  payload: Payload,
): Understood<WorkflowDelivery> {
  const read =
    workflows === null ? 'no workflows are watched' : readWorkflowDelivery(event, payload)
  if (typeof read === 'string') return { repository: null, wanted: null, reason: read }
  return { repository: read.repository.fullName, wanted: read, reason: null }
}

function requireSigned(deps: GithubDeps, { body, signature }: GithubDelivery): void {
  requireWebhook(deps)
  if (verifySignature(deps.webhookSecret ?? '', body, signature)) return
  throw new AppError(
    'authentication_failed',
    signature === undefined
      ? 'This needs X-Hub-Signature-256: set the secret of GITHUB_WEBHOOK_SECRET at the webhook'
      : 'X-Hub-Signature-256 is not of this body under the secret of GITHUB_WEBHOOK_SECRET',
  )
}

/** Refuses everything where no secret is set: what nobody signed could be anybody's. */
export function requireWebhook({ webhookSecret }: Pick<GithubDeps, 'webhookSecret'>): void {
  if (webhookSecret !== null) return
  throw new AppError(
    'unavailable',
    'This server takes no deliveries: GITHUB_WEBHOOK_SECRET is not set',
  )
}

function parsePayload({ body, contentType }: GithubDelivery): Record<string, unknown> {
  const text = body.toString('utf8')
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType ?? '')
  const json = isForm ? new URLSearchParams(text).get('payload') : text
  if (json === null) throw invalid('The form has no field payload')
  let payload: unknown
  try {
    payload = JSON.parse(json)
  } catch {
    throw invalid('The body is not valid JSON')
  }
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) {
    return payload as Record<string, unknown>
  }
  throw invalid('The body is no JSON object')
}

function invalid(message: string): AppError {
  return new AppError('invalid_request', message)
}
