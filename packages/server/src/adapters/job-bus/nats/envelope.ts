import type { JobEnvelope } from '@slipway/contract/jobs'

/** What of a message counts: which job it is about, and where to its dispatcher listens. */
export interface EnvelopeHead {
  jobId: string
  attempt: number
  replyTo: string | null
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Whoever may publish a job must not have a worker publish to any subject in its name. */
const inbox = /^_INBOX\.[\w-]{1,64}(\.[\w-]{1,64}){0,3}$/

/** Null: it is no job. */
export function readEnvelope(data: Uint8Array): EnvelopeHead | null {
  let read: Partial<Record<keyof JobEnvelope, unknown>> | null
  try {
    read = JSON.parse(Buffer.from(data).toString()) as typeof read
  } catch {
    return null
  }
  if (typeof read !== 'object' || read === null) return null
  const { job_id: jobId, attempt, reply_to: replyTo } = read
  if (typeof jobId !== 'string' || !uuid.test(jobId)) return null
  return {
    jobId,
    attempt: typeof attempt === 'number' ? attempt : 0,
    replyTo: typeof replyTo === 'string' && inbox.test(replyTo) ? replyTo : null,
  }
}

/** A job as a message; without its payload, which the claim brings too, where it would be larger than `maxBytes`. */
export function writeEnvelope(job: JobEnvelope, maxBytes: number): string {
  const text = JSON.stringify(job)
  if (Buffer.byteLength(text) <= maxBytes) return text
  const { payload: _, ...head } = job
  return JSON.stringify(head)
}
