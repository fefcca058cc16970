import { type CorrelationFields, inSpanOf, type Tracer } from '../correlation.ts'
import type { ClaimedJob, JobBus, JobOutcome } from '../ports/job-bus.ts'

/** How a handler ended: as its outcome says, by a rejection, or told to stop. */
type HandlerOutcome = JobOutcome['state'] | 'rejected' | 'aborted'

/** Told of every job that a handler is done with. Nothing here throws. */
export interface HandlerFigures {
  ran(type: string, outcome: HandlerOutcome, seconds: number): void
}

/**
 * A bus whose handlers work as part of what their jobs come from: with its ids in their logs, and in a span of its
 * trace. It is over when the handler has returned; a rejection is a failed attempt.
 */
export function traceJobs(
  bus: JobBus,
  deps: { tracer: Tracer | null; workerId: string; figures: HandlerFigures },
): JobBus {
  return {
    ...bus,
    subscribe: (options) =>
      bus.subscribe({
        ...options,
        handle: (job, signal) =>
          inSpanOf(deps.tracer, job.origin ?? null, describe(job, deps.workerId), async (span) => {
            const begun = performance.now()
            const tell = (outcome: HandlerOutcome) => {
              span?.set({ 'slipway.outcome': outcome })
              deps.figures.ran(job.type, outcome, (performance.now() - begun) / 1000)
            }
            try {
              const outcome = await options.handle(job, signal)
              tell(signal.aborted && outcome.state !== 'succeeded' ? 'aborted' : outcome.state)
              return outcome
            } catch (error) {
              tell(signal.aborted ? 'aborted' : 'rejected')
              throw error
            }
          }),
      }),
  }
}

function describe(job: ClaimedJob, workerId: string) {
  const fields = fieldsOf(job)
  const ids: Record<string, string> = {}
  for (const [name, id] of Object.entries(fields) as [string, string][]) ids[`slipway.${name}`] = id
  return {
    name: `job ${job.type}`,
    kind: 'consumer' as const,
    fields,
    attributes: {
      'messaging.operation.type': 'process',
      'slipway.job_type': job.type,
      'slipway.attempt': job.attempt,
      'slipway.worker_id': workerId,
      ...ids,
    },
  }
}

const named = ['task_id', 'build_id', 'delegation_id'] as const

function fieldsOf(job: ClaimedJob): CorrelationFields {
  const payload = (job.payload ?? {}) as Readonly<Record<string, unknown>>
  const fields: CorrelationFields = { job_id: job.id }
  if (job.runId !== null) fields.run_id = job.runId
  for (const name of named) {
    const id = payload[name]
    if (typeof id === 'string' || typeof id === 'number') fields[name] = String(id)
  }
  return fields
}
