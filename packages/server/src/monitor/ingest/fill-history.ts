import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { type Duty, startDuty } from '../../duties/index.ts'
import { GitHubError } from '../../ports/github.ts'
import { backfillDays, dayMs, hasBudget, type IngestDeps } from './deps.ts'
import { fetchDetails, findUndetailed, type Undetailed } from './fetch-details.ts'
import { findBusy, lookAgain, type LookedAgain } from './look-again.ts'
import { readBackwards } from './read-backwards.ts'
import { storeTold } from './store-told.ts'

/** Longest time between two looks for something to do. */
const lookMs = 60_000
/** A repository that could not be asked is left alone for so long. */
const asideMs = 600_000
/** Likewise a run that alone could not be asked about. */
const runAsideMs = 3_600_000
const atOnce = 2
const batchSize = 20
/** Shares of GitHub's budget that are left to others: of what has just ended, and of what is old. */
const spared = { fresh: 0.1, old: 0.5 }

/**
 * Fetches in the background, as far as GitHub's budget allows, what polls do not bring: jobs and
 * artifacts of runs that have ended, the newest first, the runs of the last 90 days, and what became of
 * older runs that were run again. What it has done is in the store, so whoever comes next goes on there.
 */
export function startFilling(deps: IngestDeps): Duty {
  /** By repository, until when it is left alone. */
  const aside = new Map<number, number>()
  const runsAside = new Map<number, RunAside>()
  const looked: LookedAgain = new Map()
  return startDuty(deps, {
    name: 'github actions history',
    everyMs: lookMs,
    async run(signal) {
      for (const [id, until] of aside) if (until < Date.now()) aside.delete(id)
      for (const [id, { until }] of runsAside) if (until < Date.now()) runsAside.delete(id)
      const without = [...aside.keys()]
      const look = { deps, without, aside, runsAside, signal }
      if (hasBudget(deps, spared.fresh) && (await fillDetails(look, dayMs))) return 0
      if (!hasBudget(deps, spared.old)) return lookMs
      if (await fillRuns(look)) return 0
      if (await fillDetails(look, backfillDays * dayMs)) return 0
      const busy = await findBusy(deps, looked)
      if (busy === null) return Math.min(lookMs, deps.rescanMs, msUntilNext(runsAside))
      looked.set(busy.id, Date.now())
      const mayGoOn = () => hasBudget(deps, spared.old)
      await orAside(look, busy.id, () => lookAgain(deps, { busy, mayGoOn }, signal))
      return 0
    },
  })
}

function msUntilNext(runsAside: ReadonlyMap<number, RunAside>): number {
  const soonest = Math.min(...[...runsAside.values()].map(({ until }) => until))
  return Math.max(0, soonest - Date.now()) + 1
}

interface Look {
  deps: IngestDeps
  without: readonly number[]
  aside: Map<number, number>
  runsAside: Map<number, RunAside>
  signal: AbortSignal
}

/** A run that is left alone for a while. */
interface RunAside {
  until: number
  repositoryId: number
  hasFailed: boolean
}

/** Whether there was something to do. */
async function fillDetails(look: Look, ageMs: number): Promise<boolean> {
  const { deps, without, runsAside, signal } = look
  const since = new Date(Date.now() - ageMs)
  const withoutRuns = [...runsAside.keys()]
  const runs = await findUndetailed(deps, { since, limit: batchSize, without, withoutRuns })
  const queue = runs.values()
  const work = async () => {
    for (const run of queue) {
      if (signal.aborted) return
      await orAside(look, run.repositoryId, () => fillRun(look, run))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return runs.length > 0
}

/** What GitHub does not answer of one run holds up no other of its repository, unless it is not the only one. */
async function fillRun({ deps, runsAside, signal }: Look, run: Undetailed): Promise<void> {
  const { runId, repositoryId } = run
  const leave = (ms: number, hasFailed: boolean) =>
    runsAside.set(runId, { until: Date.now() + ms, repositoryId, hasFailed })
  try {
    if (!(await fetchDetails(deps, run, signal))) leave(deps.pollMs, false)
  } catch (error) {
    if (signal.aborted || !(error instanceof GitHubError)) throw error
    const isAlone = ![...runsAside.values()].some(
      (other) => other.hasFailed && other.repositoryId === repositoryId,
    )
    if (error.reason !== 'limited') leave(runAsideMs, true)
    if (error.reason === 'limited' || !isAlone) throw error
    deps.log.info(
      { workflow_run_id: runId, reason: error.message },
      'GitHub does not tell what a run has',
    )
  }
}

/** Reads one page of older runs of each repository that lacks some. */
async function fillRuns(look: Look): Promise<boolean> {
  const { deps, without, signal } = look
  const from = new Date(Date.now() - backfillDays * dayMs)
  const { rows } = await sql<{ id: number; repository: string; completeSince: Date }>`
    select id, full_name as repository, complete_since as "completeSince"
    from monitored_repositories
    where source <> 'read' and lost_at is null and complete_since > ${from}
      and id <> all(${without}::int[])
    order by complete_since desc limit ${batchSize}`.execute(deps.db)
  for (const { id, repository, completeSince } of rows) {
    if (signal.aborted || !hasBudget(deps, spared.old)) break
    await orAside(look, id, () =>
      fillOnePage(deps, { id, repository, from, completeSince }, signal),
    )
  }
  return rows.length > 0
}

async function fillOnePage(
  deps: IngestDeps,
  input: { id: number; repository: string; from: Date; completeSince: Date },
  signal: AbortSignal,
): Promise<void> {
  const { id, repository, from, completeSince } = input
  const to = completeSince
  const held: Parameters<typeof storeTold>[1]['runs'][] = []
  for await (const { runs, since } of readBackwards(
    deps.actions,
    { repository, from, to },
    signal,
  )) {
    held.push(runs)
    // Pages of one second only: the next one goes on.
    if (since >= completeSince && since > from) continue
    await transact(deps, async (unit) => {
      const all = held.flatMap((some) => some ?? [])
      await storeTold(unit, { repositoryId: id, runs: all, newsSince: null })
      // Not where a poll has found out meanwhile that more is missing.
      await sql`
        update monitored_repositories set complete_since = ${since}
        where id = ${id} and complete_since = ${completeSince}`.execute(unit.trx)
    })
    return
  }
}

/** What GitHub does not answer of one repository holds up no other. */
async function orAside(look: Look, id: number, work: () => Promise<void>): Promise<void> {
  const { deps, aside, signal } = look
  if (aside.has(id)) return
  try {
    await work()
  } catch (error) {
    if (signal.aborted || !(error instanceof GitHubError)) throw error
    aside.set(id, Date.now() + Math.max(asideMs, error.retryAfterMs ?? 0))
    deps.log.info({ repository: id, reason: error.message }, 'GitHub does not tell what was before')
  }
}
