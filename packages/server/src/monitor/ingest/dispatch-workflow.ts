import { sql } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import { transact } from '../../db/unit-of-work.ts'
import { GitHubError } from '../../ports/github.ts'
import type { DispatchedRun, RunSnapshot, Workflow } from '../../ports/github-actions.ts'
import type { WorkflowDispatcher } from '../trigger-pipeline.ts'
import type { IngestDeps } from './deps.ts'
import { findMonitored } from './monitored.ts'

/** Milliseconds to find a run that GitHub did not name, and between two looks. */
const findMs = 5_000
const lookMs = 1_000
/** Milliseconds that GitHub's clock and ours may differ by. */
const skewMs = 60_000
const mostRemembered = 1_000

/** Starts workflows at GitHub; `hurry` is told of the repository, so that the run is seen soon. */
export function createDispatcher(
  deps: IngestDeps & { hurry: (repositoryId: number) => void },
): WorkflowDispatcher {
  /** Runs that belong to another start. */
  const taken = new Set<number>()
  return {
    async listWorkflows(repository, signal) {
      const workflows = await deps.actions.listWorkflows(repository, signal)
      const known = await findMonitored(deps.db, { name: repository })
      if (known !== null) await storeWorkflows(deps, { repositoryId: known.id, workflows })
      return workflows
    },
    async dispatchWorkflow(repository, dispatch, signal) {
      const known = await findMonitored(deps.db, { name: repository })
      const before = known === null ? 0 : await newestRun(deps, known.id)
      const begunAt = Date.now()
      const told = await deps.actions.dispatchWorkflow(repository, dispatch, signal)
      const asked = { repository, dispatch, before, begunAt, taken }
      const run = told ?? (await findRun(deps, asked, signal))
      if (run !== null) {
        taken.add(run.runId)
        const [oldest] = taken
        if (taken.size > mostRemembered && oldest !== undefined) taken.delete(oldest)
      }
      if (known !== null) deps.hurry(known.id)
      return run
    },
  }
}

/** The run that a start has made, if it is the only one that can be it. It has begun in any case: this never rejects. */
async function findRun(
  deps: IngestDeps,
  input: {
    repository: string
    dispatch: { workflowId: number; ref: string }
    before: number
    begunAt: number
    taken: ReadonlySet<number>
  },
  outer: AbortSignal,
): Promise<DispatchedRun | null> {
  const { repository, dispatch, before, begunAt, taken } = input
  const signal = AbortSignal.any([outer, AbortSignal.timeout(findMs)])
  const created = { from: new Date(begunAt - skewMs), to: new Date(begunAt + skewMs) }
  const query = { perPage: 30, event: 'workflow_dispatch', created }
  const isIt = (run: RunSnapshot) =>
    run.workflowId === dispatch.workflowId &&
    run.branch === dispatch.ref.replace(/^refs\/(heads|tags)\//, '') &&
    // GitHub's ids grow.
    run.id > before &&
    !taken.has(run.id)
  while (!signal.aborted) {
    try {
      const answer = await deps.actions.listRuns(repository, query, signal)
      const [found, ...others] = answer.changed ? answer.value.runs.filter(isIt) : []
      if (others.length > 0) return null
      if (found !== undefined) return { runId: found.id, url: found.url }
      await sleep(lookMs, undefined, { signal })
    } catch (error) {
      if (!signal.aborted && !(error instanceof GitHubError)) throw error
      return null
    }
  }
  return null
}

async function newestRun({ db }: IngestDeps, repositoryId: number): Promise<number> {
  const { rows } = await sql<{ id: number | null }>`
    select max(id) as id from workflow_runs where repository_id = ${repositoryId}`.execute(db)
  return rows[0]?.id ?? 0
}

/** What GitHub does not list any more has been deleted. */
async function storeWorkflows(
  deps: IngestDeps,
  { repositoryId, workflows }: { repositoryId: number; workflows: readonly Workflow[] },
): Promise<void> {
  await transact(deps, async ({ trx }) => {
    await sql`
      update workflows set state = 'deleted', updated_at = now()
      where repository_id = ${repositoryId} and state <> 'deleted'
        and id <> all(${workflows.map(({ id }) => id)}::bigint[])`.execute(trx)
    await sql`
      insert into workflows (id, repository_id, name, path, state, updated_at)
      select w.id, ${repositoryId}, w.name, w.path, w.state, now()
      from jsonb_to_recordset(${JSON.stringify(workflows)}::jsonb)
        as w (id bigint, name text, path text, state text)
      on conflict (id) do update
      set name = excluded.name, path = excluded.path, state = excluded.state, updated_at = now()
      where workflows.repository_id = excluded.repository_id`.execute(trx)
  })
}
