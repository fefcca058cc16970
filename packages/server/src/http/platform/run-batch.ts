import type { FastifyRequest } from 'fastify'
import type { AuditLog } from '../../access/index.ts'
import { pathOf } from '../redact-url.ts'
import { toErrorAnswer } from './error-envelope.ts'
import type { PlatformError } from '@slipway/contract/errors'

/** Items of one request that are under way at once. */
const concurrency = 4

/** What became of one item: the status and the body that the single call would have answered. */
export interface BatchItem<Result> {
  id: string
  status: number
  result?: Result
  error?: PlatformError['error']
}

export interface BatchInput<Result> {
  request: FastifyRequest
  ids: readonly string[]
  /** Status of the single call's success. */
  success: number
  /** The path of the single call, for the audit log. */
  resource: (id: string) => string
  /** The single call. What it throws is the item's error. */
  each: (id: string) => Promise<Result>
}

/**
 * Does to every item what the single call would do, a few at a time, and answers for all of them in
 * the order given. None stops another. Each is in the audit log with its own outcome.
 */
export async function runBatch<Result>(
  audit: AuditLog,
  input: BatchInput<Result>,
): Promise<{ results: BatchItem<Result>[]; succeeded: number; failed: number }> {
  const { ids } = input
  const results: BatchItem<Result>[] = []
  const rest = ids.entries()
  const work = async () => {
    // All workers take from the same iterator.
    for (const [index, id] of rest) {
      const item = await runItem(input, id)
      results[index] = item
      await recordItem(audit, input, item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, ids.length) }, work))
  const failed = results.filter(({ error }) => error !== undefined).length
  return { results, succeeded: results.length - failed, failed }
}

async function runItem<Result>(
  { request, success, each }: BatchInput<Result>,
  id: string,
): Promise<BatchItem<Result>> {
  try {
    const result = await each(id)
    return { id, status: success, ...(result === undefined ? {} : { result }) }
  } catch (error) {
    const { status, body, unforeseen } = toErrorAnswer(error, request.id)
    if (unforeseen) {
      const { log, url } = request
      log.error(
        { err: error, request_id: request.id, path: pathOf(url), item: id },
        'An item of a batch failed in a way that nobody foresaw',
      )
    }
    return { id, status, error: body.error }
  }
}

/** As for a single call: what was done cannot be undone because it could not be written down. */
async function recordItem(
  audit: AuditLog,
  { request, resource }: BatchInput<unknown>,
  { id, status }: BatchItem<unknown>,
): Promise<void> {
  const entry = {
    at: new Date(),
    actor: request.principal.name,
    action: `${request.method} ${request.routeOptions.url ?? ''}`,
    resource: resource(id),
    address: request.ip,
    outcome: status,
    request_id: request.id,
  }
  try {
    await audit.record(entry)
  } catch (error) {
    const message = 'An entry of the audit log could not be stored'
    request.log.error({ err: error, audit: entry }, message)
  }
}
