import { sql } from 'kysely'
import type { UnitOfWork } from '../../db/unit-of-work.ts'
import type { JobSnapshot, RunSnapshot } from '../../ports/github-actions.ts'
import type { IngestDeps } from './deps.ts'
import { learnRepository, type RepositorySource, type SeenRepository } from './learn-repository.ts'
import { jobOf, runOf, type WorkflowDelivery } from './read-workflow-delivery.ts'
import { storeTold } from './store-told.ts'

type TakeDeps = Pick<IngestDeps, 'configured'> & { canAsk: boolean; onEnded: () => void }

/**
 * Stores what deliveries say, in the transaction that settles them. In whatever order they come, and
 * however often, the store ends up the same. Answers in words why nothing came of them, or null.
 */
export async function takeDeliveries(
  deps: TakeDeps,
  unit: UnitOfWork,
  deliveries: readonly WorkflowDelivery[],
): Promise<string | null> {
  /** Two repositories may have had one name, one after the other. */
  const groups = new Map<number, WorkflowDelivery[]>()
  for (const delivery of deliveries) {
    const group = groups.get(delivery.repository.id) ?? []
    groups.set(delivery.repository.id, group)
    group.push(delivery)
  }
  let note: string | null = null
  for (const group of groups.values()) note = await takeOfOne(deps, unit, group)
  return note
}

async function takeOfOne(
  deps: TakeDeps,
  unit: UnitOfWork,
  deliveries: readonly WorkflowDelivery[],
): Promise<string | null> {
  const last = deliveries.findLast(({ kind }) => kind === 'repository') ?? deliveries.at(-1)
  if (last === undefined) return null
  const source = await sourceOf(deps, unit, last.repository)
  if (source === null) return 'its repository is none of MONITORED_REPOSITORIES'
  // Names are believed of deliveries that are about them, which are rare, or where nobody else says them.
  const isOld = deps.canAsk && last.kind !== 'repository'
  const runs = deliveries.flatMap((one) => (one.kind === 'workflow run' ? [runOf(one)] : []))
  const jobs = deliveries.flatMap((one) => (one.kind === 'workflow job' ? [jobOf(one)] : []))
  const asOf = last.kind === 'repository' ? null : lastMoment(runs, jobs)
  const seen = last.repository
  const repositoryId = await learnRepository(unit, { seen, source, isOld, asOf })
  const stored = await storeTold(unit, { repositoryId, runs, jobs, newsSince: undefined })
  if (last.kind === 'repository' && last.isGone) {
    await sql`
      update monitored_repositories
      set lost_at = coalesce(lost_at, now()), poll_error = 'It was deleted at GitHub', runs_etag = null
      where id = ${repositoryId}`.execute(unit.trx)
  }
  if (stored.runs.some(({ after }) => after.githubStatus === 'completed')) {
    unit.afterCommit(deps.onEnded)
  }
  return null
}

/** When the newest of what is told happened; null where nothing says it. */
function lastMoment(runs: readonly RunSnapshot[], jobs: readonly JobSnapshot[]): Date | null {
  const moments = [
    ...runs.map(({ updatedAt }) => updatedAt),
    ...jobs.map((job) => job.completedAt ?? job.startedAt ?? job.createdAt),
  ]
  const times = moments.flatMap((moment) => (moment === null ? [] : [moment.getTime()]))
  return times.length === 0 ? null : new Date(Math.max(...times))
}

/** Why the repository is kept; null: it is not. */
async function sourceOf(
  { configured }: Pick<IngestDeps, 'configured'>,
  { trx }: UnitOfWork,
  seen: SeenRepository,
): Promise<RepositorySource | null> {
  if (configured === null) return 'webhook'
  const name = seen.fullName.toLowerCase()
  if (configured.some((one) => one.toLowerCase() === name)) return 'configured'
  // The setting may name it as it was called before.
  const { rows } = await sql`
    select 1 from monitored_repositories
    where github_id = ${seen.id} and source = 'configured'`.execute(trx)
  return rows.length > 0 ? 'configured' : null
}
