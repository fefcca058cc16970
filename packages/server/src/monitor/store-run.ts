import type { PipelineStatus } from '@slipway/contract/pipelines'
import { type Insertable, sql } from 'kysely'
import type { WorkflowRunsTable } from '../db/tables.gen.ts'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { lockRepository, markRunsChanged } from './lock-repository.ts'
import { mapStatus } from './map-status.ts'
import { mergeRun } from './merge-run.ts'
import { noteAttempts } from './note-attempts.ts'
import { noteNewest } from './note-newest.ts'
import type { RunSnapshot } from './snapshots.ts'

/** What others are told of a run's state. */
export interface RunState {
  attempt: number
  status: PipelineStatus
  githubStatus: string
  conclusion: string | null
  /** Whole seconds; null before the end. */
  duration: number | null
}

/** A run that is not any more as it was. */
export interface RunChange {
  run: RunSnapshot
  /** Null: it was not known. */
  before: RunState | null
  after: RunState
}

/** Runs that one call takes at most. */
const maxRuns = 1_000

/**
 * Stores what GitHub said of runs of one repository, each merged with what is known of it, and keeps the
 * newest runs, the attempts and the names of workflows in step. What is late, doubled or out of order
 * changes nothing. Whoever stores into a repository waits for the others there, so there is an order.
 *
 * Answers what changed, in the order given: of a run that is given in several states, each that it went
 * on to. `resource_not_found` for an unknown repository.
 */
export async function storeRuns(
  unit: Pick<UnitOfWork, 'trx'>,
  input: { repositoryId: number; runs: readonly RunSnapshot[] },
): Promise<RunChange[]> {
  const { repositoryId, runs } = input
  if (runs.length > maxRuns) throw new RangeError(`At most ${maxRuns} runs at once`)
  if (runs.length === 0) return []
  await lockRepository(unit, repositoryId)
  const known = await findRuns(unit, { repositoryId, ids: runs.map(({ id }) => id) })
  const merged = new Map<number, RunSnapshot>()
  const changes = runs.flatMap((told): RunChange[] => {
    const before = merged.get(told.id) ?? known.get(told.id) ?? null
    const run = mergeRun(before, told)
    if (run === before) return []
    merged.set(run.id, run)
    return [{ run, before: before === null ? null : stateOf(before), after: stateOf(run) }]
  })
  const changed = [...merged.values()]
  if (changed.length > 0) {
    await upsertRuns(unit, repositoryId, changed)
    await upsertWorkflows(unit, repositoryId, changed)
    await noteNewest(unit, repositoryId, changed)
    await markRunsChanged(unit, repositoryId)
  }
  // Also of attempts that a later one has overtaken.
  await noteAttempts(unit, runs)
  return changes
}

/** The same for one run; null where nothing changed. */
export async function storeRun(
  unit: Pick<UnitOfWork, 'trx'>,
  input: { repositoryId: number; run: RunSnapshot },
): Promise<RunChange | null> {
  const { repositoryId, run } = input
  const [change = null] = await storeRuns(unit, { repositoryId, runs: [run] })
  return change
}

/** Whole seconds from the attempt's start to its last update; null before its end. */
function durationOf(run: RunSnapshot): number | null {
  if (run.githubStatus !== 'completed') return null
  const ms = run.updatedAt.getTime() - run.runStartedAt.getTime()
  return Math.max(0, Math.floor(ms / 1000))
}

function stateOf(run: RunSnapshot): RunState {
  const { attempt, githubStatus, conclusion } = run
  const status = mapStatus(githubStatus, conclusion)
  return { attempt, status, githubStatus, conclusion, duration: durationOf(run) }
}

async function findRuns(
  { trx }: Pick<UnitOfWork, 'trx'>,
  { repositoryId, ids }: { repositoryId: number; ids: readonly number[] },
): Promise<Map<number, RunSnapshot>> {
  const { rows } = await sql<RunSnapshot>`
    select id, workflow_id as "workflowId", workflow_name as "workflowName",
           workflow_path as "workflowPath", run_number as "runNumber", attempt, event, branch,
           commit_sha as "commitSha", commit_message as "commitMessage", actor, url,
           github_status as "githubStatus", conclusion, created_at as "createdAt",
           run_started_at as "runStartedAt", updated_at as "updatedAt"
    from workflow_runs
    where id = any(${[...new Set(ids)]}::bigint[]) and repository_id = ${repositoryId}`.execute(trx)
  return new Map(rows.map((row) => [row.id, row]))
}

async function upsertRuns(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
  runs: readonly RunSnapshot[],
): Promise<void> {
  const isSameState = sql<boolean>`
    (workflow_runs.attempt, workflow_runs.github_status, workflow_runs.conclusion)
    is not distinct from (excluded.attempt, excluded.github_status, excluded.conclusion)`
  await trx
    .insertInto('workflow_runs')
    .values(runs.map((run) => toRow(repositoryId, run)))
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => ({
          workflow_name: eb.ref('excluded.workflow_name'),
          workflow_path: sql`coalesce(excluded.workflow_path, workflow_runs.workflow_path)`,
          attempt: eb.ref('excluded.attempt'),
          event: eb.ref('excluded.event'),
          branch: eb.ref('excluded.branch'),
          commit_sha: eb.ref('excluded.commit_sha'),
          commit_message: eb.ref('excluded.commit_message'),
          actor: eb.ref('excluded.actor'),
          url: eb.ref('excluded.url'),
          status: eb.ref('excluded.status'),
          github_status: eb.ref('excluded.github_status'),
          conclusion: eb.ref('excluded.conclusion'),
          created_at: eb.ref('excluded.created_at'),
          run_started_at: eb.ref('excluded.run_started_at'),
          updated_at: eb.ref('excluded.updated_at'),
          duration: eb.ref('excluded.duration'),
          // Of another state there may be others.
          jobs_complete: sql`workflow_runs.jobs_complete and ${isSameState}`,
          artifacts: sql`case when ${isSameState} then workflow_runs.artifacts end`,
        }))
        .whereRef('workflow_runs.repository_id', '=', 'excluded.repository_id'),
    )
    .execute()
}

function toRow(repositoryId: number, run: RunSnapshot): Insertable<WorkflowRunsTable> {
  return {
    id: run.id,
    repository_id: repositoryId,
    workflow_id: run.workflowId,
    workflow_name: run.workflowName,
    workflow_path: run.workflowPath,
    run_number: run.runNumber,
    attempt: run.attempt,
    event: run.event,
    branch: run.branch,
    commit_sha: run.commitSha,
    commit_message: run.commitMessage,
    actor: run.actor,
    url: run.url,
    status: mapStatus(run.githubStatus, run.conclusion),
    github_status: run.githubStatus,
    conclusion: run.conclusion,
    created_at: run.createdAt,
    run_started_at: run.runStartedAt,
    updated_at: run.updatedAt,
    duration: durationOf(run),
  }
}

/** So that a workflow can be asked for by its file as soon as one run of it is here. */
async function upsertWorkflows(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
  runs: readonly RunSnapshot[],
): Promise<void> {
  const byId = new Map(
    runs.flatMap((run) =>
      run.workflowPath === null
        ? []
        : [[run.workflowId, { ...run, path: run.workflowPath }] as const],
    ),
  )
  if (byId.size === 0) return
  await trx
    .insertInto('workflows')
    .values(
      [...byId.values()].map((run) => ({
        id: run.workflowId,
        repository_id: repositoryId,
        name: run.workflowName,
        path: run.path,
        state: 'active',
        updated_at: run.updatedAt,
      })),
    )
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}
