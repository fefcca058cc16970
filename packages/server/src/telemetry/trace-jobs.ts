import { type CorrelationFields, inSpanOf, type Tracer } from '../correlation.ts'
import type { ClaimedJob, JobBus } from '../ports/job-bus.ts'

/**
 * A bus whose handlers work as part of what their jobs come from: with its ids in their logs, and in a span of its
 * trace. It is over when the handler has returned; a rejection is a failed attempt.
 */
export function traceJobs(bus: JobBus, deps: { tracer: Tracer | null; workerId: string }): JobBus {
  return {
    ...bus,
    subscribe: (options) =>
      bus.subscribe({
        ...options,
        handle: (job, signal) =>
          inSpanOf(deps.tracer, job.origin ?? null, describe(job, deps.workerId), async (span) => {
            const outcome = await options.handle(job, signal)
            span?.set({ 'slipway.outcome': outcome.state })
            return outcome
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
