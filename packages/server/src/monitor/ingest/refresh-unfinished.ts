import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { GitHubError } from '../../ports/github.ts'
import { lockRepository, markRunsChanged } from '../lock-repository.ts'
import type { RunChange } from '../store-run.ts'
import type { IngestDeps } from './deps.ts'
import type { Monitored } from './monitored.ts'
import { newsSince, pageSize } from './poll-repository.ts'
import { refreshInterval } from './refresh-interval.ts'
import { storeTold } from './store-told.ts'

interface Unfinished {
  id: number
  attempt: number
  githubStatus: string
  runStartedAt: Date
  updatedAt: Date
  /** Whether the poll's page has it, so that the run itself is up to date. */
  isOnPage: boolean
}

interface Looked {
  attempt: number
  at: number
  runEtag: string | null
  jobsEtag: string | null
}

/** What is remembered of the runs that were looked at; it only saves requests. */
export type UnfinishedMemory = Map<number, Looked>

const mostRuns = 50
const mostRemembered = 5_000

/**
 * Asks for the jobs of runs that have not ended, and for the runs that are too old for the poll's page.
 * Answers the runs that have ended by this. Rejects with a `GitHubError`.
 */
export async function refreshUnfinished(
  deps: IngestDeps,
  input: { repository: Monitored; memory: UnfinishedMemory },
  signal: AbortSignal,
): Promise<RunChange[]> {
  const { repository, memory } = input
  const ended: RunChange[] = []
  for (const run of await findUnfinished(deps, repository)) {
    const looked = memory.get(run.id)
    const now = Date.now()
    const known = looked?.attempt === run.attempt ? looked : undefined
    if (
      known !== undefined &&
      now - known.at < refreshInterval(run, { now, pollMs: deps.pollMs })
    ) {
      continue
    }
    const changes = await refresh(deps, { repository, run, known, memory }, signal)
    ended.push(...changes.filter(({ after }) => after.githubStatus === 'completed'))
  }
  return ended
}

async function findUnfinished({ db }: IngestDeps, { id }: Monitored): Promise<Unfinished[]> {
  const { rows } = await sql<Unfinished>`
    select id, attempt, github_status as "githubStatus", run_started_at as "runStartedAt",
           updated_at as "updatedAt",
           created_at > coalesce((
             select created_at from workflow_runs where repository_id = ${id}
             order by created_at desc, id desc offset ${pageSize} - 1 limit 1), '-infinity') as "isOnPage"
    from workflow_runs
    where repository_id = ${id} and conclusion is null and github_status <> 'completed'
    order by created_at desc limit ${mostRuns}`.execute(db)
  return rows
}

async function refresh(
  deps: IngestDeps,
  input: {
    repository: Monitored
    run: Unfinished
    known: Looked | undefined
    memory: UnfinishedMemory
  },
  signal: AbortSignal,
): Promise<RunChange[]> {
  const { repository, run, known, memory } = input
  const { id: runId } = run
  const looked: Looked = {
    runEtag: known?.runEtag ?? null,
    jobsEtag: known?.jobsEtag ?? null,
    attempt: run.attempt,
    at: Date.now(),
  }
  const since = newsSince(repository, new Date())
  const store = (told: Omit<Parameters<typeof storeTold>[1], 'repositoryId' | 'newsSince'>) =>
    transact(deps, (unit) =>
      storeTold(unit, { repositoryId: repository.id, newsSince: since, ...told }),
    )
  try {
    const { attempt } = run
    const jobs = await deps.actions.listJobs(
      repository.fullName,
      { runId, attempt, etag: looked.jobsEtag },
      signal,
    )
    if (jobs.changed) {
      looked.jobsEtag = jobs.etag
      await store({ jobs: jobs.value })
    }
    if (run.isOnPage) return []
    const asked = { runId, etag: looked.runEtag }
    const answer = await deps.actions.getRun(repository.fullName, asked, signal)
    if (!answer.changed) return []
    looked.runEtag = answer.etag
    return (await store({ runs: [answer.value] })).runs
  } catch (error) {
    if (!(error instanceof GitHubError) || error.reason !== 'missing') throw error
    await forgetRun(deps, { repositoryId: repository.id, runId })
    return []
  } finally {
    memory.delete(runId)
    memory.set(runId, looked)
    const [oldest] = memory.keys()
    if (memory.size > mostRemembered && oldest !== undefined) memory.delete(oldest)
  }
}

/** Somebody has deleted it at GitHub. */
async function forgetRun(
  deps: IngestDeps,
  { repositoryId, runId }: { repositoryId: number; runId: number },
): Promise<void> {
  await transact(deps, async (unit) => {
    await lockRepository(unit, repositoryId)
    await sql`delete from workflow_runs where id = ${runId} and repository_id = ${repositoryId}`.execute(
      unit.trx,
    )
    await sql`delete from workflow_jobs where run_id = ${runId} and repository_id = ${repositoryId}`.execute(
      unit.trx,
    )
    await markRunsChanged(unit, repositoryId)
  })
}
