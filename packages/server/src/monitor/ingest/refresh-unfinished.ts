import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { GitHubError } from '../../ports/github.ts'
import type { RunChange } from '../store-run.ts'
import { hasBudget, type IngestDeps } from './deps.ts'
import { forgetRun } from './forget-run.ts'
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

/** Runs that are looked at after one poll, and unfinished ones of which these are chosen. */
const mostRuns = 50
const mostUnfinished = 1_000
const mostRemembered = 5_000
/** Share of GitHub's budget that is left to polls and to people. */
const spared = 0.1

/**
 * Asks for the jobs of runs that have not ended, and for the runs that are too old for the poll's page: of
 * those whose turn it is the ones not looked at for longest, as many as fit between two polls.
 * Answers the runs that have ended by this. Rejects with a `GitHubError`.
 */
export async function refreshUnfinished(
  deps: IngestDeps,
  input: { repository: Monitored; memory: UnfinishedMemory },
  signal: AbortSignal,
): Promise<RunChange[]> {
  const { repository, memory } = input
  const begunAt = Date.now()
  const ended: RunChange[] = []
  const due = dueOf(deps, await findUnfinished(deps, repository), memory)
  for (const [index, { run, known }] of due.entries()) {
    const isLate = index > 0 && Date.now() - begunAt > deps.pollMs / 2
    if (isLate || !hasBudget(deps, spared)) break
    const changes = await refresh(deps, { repository, run, known, memory }, signal)
    ended.push(...changes.filter(({ after }) => after.githubStatus === 'completed'))
  }
  return ended
}

interface Due {
  run: Unfinished
  /** Of the same attempt. */
  known: Looked | undefined
}

function dueOf(
  { pollMs }: Pick<IngestDeps, 'pollMs'>,
  runs: readonly Unfinished[],
  memory: UnfinishedMemory,
): Due[] {
  const now = Date.now()
  return runs
    .map((run): Due => {
      const looked = memory.get(run.id)
      return { run, known: looked?.attempt === run.attempt ? looked : undefined }
    })
    .filter(
      ({ run, known }) =>
        known === undefined || now - known.at >= refreshInterval(run, { now, pollMs }),
    )
    .toSorted((a, b) => (a.known?.at ?? 0) - (b.known?.at ?? 0))
    .slice(0, mostRuns)
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
    order by created_at desc limit ${mostUnfinished}`.execute(db)
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
    const jobs = await deps.actions
      .listJobs(repository.fullName, { runId, attempt, etag: looked.jobsEtag }, signal)
      .catch((error: unknown) => {
        // GitHub may know a run before its jobs: only the run itself says that it is gone.
        if (isMissing(error)) return null
        throw error
      })
    if (jobs?.changed === true) {
      looked.jobsEtag = jobs.etag
      await store({ jobs: jobs.value })
    }
    if (run.isOnPage && jobs !== null) return []
    const asked = { runId, etag: looked.runEtag }
    const answer = await deps.actions.getRun(repository.fullName, asked, signal)
    if (!answer.changed) return []
    looked.runEtag = answer.etag
    return (await store({ runs: [answer.value] })).runs
  } catch (error) {
    if (!isMissing(error)) throw error
    await forgetRun(deps, { repositoryId: repository.id, runId })
    return []
  } finally {
    memory.delete(runId)
    memory.set(runId, looked)
    const [oldest] = memory.keys()
    if (memory.size > mostRemembered && oldest !== undefined) memory.delete(oldest)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof GitHubError && error.reason === 'missing'
}
