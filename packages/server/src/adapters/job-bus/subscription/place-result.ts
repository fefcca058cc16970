import type { ResultReference } from '@slipway/contract/jobs'
import { maxResultBytes, resultToJson } from '../../../jobs/index.ts'
import type { ClaimedJob } from '../../../ports/job-bus.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'

/** What takes results that are too large for the ledger. */
export type ResultStore = Pick<ObjectStore, 'put'>

/** A result on its way to where it belongs. */
export interface PlacedResult {
  /** What the ledger gets: the result, or a `ResultReference`. */
  json: string | null
  /** What has to be stored before. */
  object: { key: string; body: Buffer } | null
}

const largestBytes = 50 * 1024 * 1024

/** The object that a result of the job is stored as where it is too large; null: a job without a run has none. */
export function resultKey(job: Pick<ClaimedJob, 'id' | 'type' | 'runId'>): string | null {
  if (job.runId === null) return null
  return `pipeline-runs/${job.runId}/results/${job.type}/${job.id}.json`
}

/**
 * Decides by its size where a result goes. Throws a TypeError for what is not JSON, a RangeError for what is
 * too large for the ledger and has no other place.
 */
export function placeResult(
  job: Pick<ClaimedJob, 'id' | 'type' | 'runId'>,
  result: unknown,
  hasStore: boolean,
): PlacedResult {
  const json = resultToJson(result)
  if (json === null) return { json, object: null }
  const size = Buffer.byteLength(json)
  if (size <= maxResultBytes) return { json, object: null }
  const key = hasStore ? resultKey(job) : null
  const limit = key === null ? maxResultBytes : largestBytes
  if (key === null || size > limit) {
    throw new RangeError(`The result of the job is larger than ${limit} bytes.`)
  }
  const kept: ResultReference = { result_reference: key, size }
  return { json: JSON.stringify(kept), object: { key, body: Buffer.from(json) } }
}
