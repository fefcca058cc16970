import type { UnitOfWork } from '../../db/unit-of-work.ts'
import { jobOf, type WorkflowDeliveries, type WorkflowDelivery } from '../../monitor/index.ts'
import { toQueueJob } from '../../ports/read-github-runners.ts'
import type { ToldJob } from './merge-queue-job.ts'
import type { SettleDeps } from './settle-queue-job.ts'
import { takeQueueJobs } from './take-queue-jobs.ts'

/**
 * Hands on what GitHub's webhook says of jobs to runners, too, in the transaction that settles the delivery:
 * none is lost, and what is told twice changes nothing. `watching`: who is told first; null: nobody.
 */
export function takeWorkflowDeliveries(
  deps: SettleDeps,
  watching: WorkflowDeliveries | null,
): WorkflowDeliveries {
  return {
    async take(unit, deliveries) {
      const note =
        watching === null ? 'no workflows are watched' : await watching.take(unit, deliveries)
      const count = await takeJobs(deps, unit, deliveries)
      return count > 0 ? null : note
    },
  }
}

async function takeJobs(
  deps: SettleDeps,
  unit: UnitOfWork,
  deliveries: readonly { wanted: WorkflowDelivery; receivedAt: Date }[],
): Promise<number> {
  /** By the names that GitHub said. */
  const groups = new Map<string, ToldJob[]>()
  for (const { wanted, receivedAt } of deliveries) {
    if (wanted.kind !== 'workflow job') continue
    const { fullName } = wanted.repository
    const jobs = groups.get(fullName) ?? []
    groups.set(fullName, jobs)
    jobs.push(toToldJob(wanted, receivedAt))
  }
  let count = 0
  for (const [repository, jobs] of groups) {
    count += await takeQueueJobs(deps, unit, { repository, jobs, confirmedAt: null })
  }
  return count
}

function toToldJob(
  delivery: Extract<WorkflowDelivery, { kind: 'workflow job' }>,
  receivedAt: Date,
): ToldJob {
  const known = delivery.details ?? { action: '', actor: '', workflow: '', sha: '', branch: '' }
  const { action, actor, ...details } = known
  const job = toQueueJob(jobOf(delivery), details, action)
  return { ...job, queuedAt: job.queuedAt ?? receivedAt, event: '', actor }
}
