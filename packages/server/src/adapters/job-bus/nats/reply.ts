import type { JobReply } from '@slipway/contract/jobs'
import type { Log } from '../../../db/log.ts'
import type { ClaimedJob } from '../../../ports/job-bus.ts'
import type { AttemptEnding } from '../subscription/job-source.ts'
import { makeReply } from '../subscription/make-reply.ts'
import { resultKey, type ResultStore } from '../subscription/place-result.ts'
import type { NatsLink } from './open-link.ts'

/** Tells the inbox of a job's dispatcher how it ended. Never rejects: the ledger knows it too. */
export type Replier = (
  inbox: string | null,
  job: Pick<ClaimedJob, 'id' | 'type' | 'runId'>,
  end: NonNullable<AttemptEnding['jobEnd']>,
) => Promise<void>

/** Bytes of a message that are not its text: protocol, subjects, headers. */
const marginBytes = 1024
const largestBytes = 1_000_000

/** Replies of up to 1 MB, if the server takes messages of that size; larger results go to the object store. */
export function createReplier(deps: { link: NatsLink; log: Log; objects?: ResultStore }): Replier {
  const { link, log } = deps
  return async (inbox, job, end) => {
    const { connection } = link
    if (connection === null || inbox === null) return
    const limit = Math.min(largestBytes, (connection.info?.max_payload ?? 0) - marginBytes)
    let reply = makeReply(job.id, end)
    if (Buffer.byteLength(end.resultJson ?? '') > limit - marginBytes) {
      reply = await refer(job, end)
    }
    try {
      connection.publish(inbox, JSON.stringify(reply))
    } catch (error) {
      log.warn({ err: error, job_id: job.id }, 'A reply could not be sent')
    }
  }

  async function refer(
    job: Parameters<Replier>[1],
    end: Parameters<Replier>[2],
  ): Promise<JobReply> {
    const { state, error, resultJson } = end
    const reply = { job_id: job.id, state, error }
    const key = resultKey(job)
    if (deps.objects === undefined || key === null || resultJson === null) return reply
    try {
      const options = { contentType: 'application/json' }
      await deps.objects.put(key, Buffer.from(resultJson), options)
      return { ...reply, result_reference: key }
    } catch (failure) {
      log.warn({ err: failure, job_id: job.id }, 'A result is in the ledger alone')
      return reply
    }
  }
}
