import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Duty, startDuty } from '../../duties/index.ts'
import { GitHubError } from '../../ports/github.ts'
import { hasBudget, type QueueDeps } from './deps.ts'
import { listQueueRepositories, type QueueRepository } from './list-queue-repositories.ts'
import { createQueueMemory, pollQueue, type QueueMemory } from './poll-queue.ts'
import { type InventoryMemory, reconcileRunners } from './reconcile-runners.ts'
import { retireRunners } from './retire-runners.ts'
import { explainRefusal, forgetProblem, noteProblem } from './runner-problems.ts'

/** Repositories asked about at once. */
const lanes = 8
/** Repositories without jobs of ours are looked at less often by this factor, and so are runners. */
const quietFactor = 4
const longestPauseMs = 900_000
/** Milliseconds between two looks for what is due. */
const lookMs = 1_000
const keptMs = 7 * 86_400_000
const pruneMs = 3_600_000
const pruneBatch = 5_000

/** What is remembered of a repository from round to round. */
interface Turn {
  memory: QueueMemory
  inventory: InventoryMemory | null
  dueAt: number
  inventoryDueAt: number
  /** Whether GitHub does not let us see them. */
  isRefused: boolean
  failures: number
}

/**
 * Keeps delegations and runners as GitHub has them, whichever deliveries came, from one server at a time.
 * Repositories take their turns independently of each other.
 */
export function startKeepingQueue(deps: QueueDeps): Duty {
  return startDuty(deps, {
    name: 'github runner queue',
    everyMs: Math.min(lookMs, deps.pollMs),
    async run(signal) {
      const turns = new Map<string, Turn>()
      const running = new Map<string, Promise<void>>()
      let pruneAt = 0
      while (!signal.aborted) {
        if (Date.now() >= pruneAt) {
          await pruneQueueJobs(deps)
          pruneAt = Date.now() + pruneMs
        }
        await beginTurns(deps, { turns, running }, signal)
        await sleep(Math.min(lookMs, deps.pollMs), undefined, { signal }).catch(() => {})
      }
      await Promise.all(running.values())
    },
  })
}

/** One that GitHub is slow with holds up no other. */
async function beginTurns(
  deps: QueueDeps,
  { turns, running }: { turns: Map<string, Turn>; running: Map<string, Promise<void>> },
  signal: AbortSignal,
): Promise<void> {
  const repositories = await listQueueRepositories(deps)
  const names = new Set(repositories.map(({ name }) => name))
  for (const name of turns.keys()) if (!names.has(name)) turns.delete(name)
  const due = repositories
    .map((repository) => ({ repository, turn: turnOf(deps, turns, repository) }))
    .filter(({ repository, turn }) => turn.dueAt <= Date.now() && !running.has(repository.name))
    .toSorted((a, b) => a.turn.dueAt - b.turn.dueAt)
  for (const { repository, turn } of due) {
    if (running.size >= lanes || signal.aborted || !hasBudget(deps)) return
    const { name } = repository
    const lane = takeTurn(deps, { repository, turn }, signal).finally(() => running.delete(name))
    running.set(name, lane)
  }
}

/** What is quiet becomes due at once when it gets jobs. */
function turnOf(
  { pollMs }: QueueDeps,
  turns: Map<string, Turn>,
  { name, isBusy }: QueueRepository,
): Turn {
  const turn = turns.get(name) ?? {
    memory: createQueueMemory(),
    inventory: null,
    dueAt: 0,
    inventoryDueAt: 0,
    isRefused: false,
    failures: 0,
  }
  turns.set(name, turn)
  if (isBusy && turn.failures === 0) turn.dueAt = Math.min(turn.dueAt, Date.now() + pollMs)
  return turn
}

async function takeTurn(
  deps: QueueDeps,
  input: { repository: QueueRepository; turn: Turn },
  signal: AbortSignal,
): Promise<void> {
  const { turn } = input
  const { name: repository, isBusy } = input.repository
  const pauseMs = deps.pollMs * (isBusy ? 1 : quietFactor)
  try {
    turn.dueAt = Date.now() + pauseMs
    await pollQueue(deps, { repository, memory: turn.memory }, signal)
    await retireRunners(deps, repository, signal)
    if (turn.inventoryDueAt <= Date.now()) await lookAtRunners(deps, { repository, turn }, signal)
    turn.failures = 0
  } catch (error) {
    if (signal.aborted) return
    turn.failures += 1
    const waitMs = deps.pollMs * 2 ** Math.min(turn.failures, 12)
    const asked = error instanceof GitHubError ? (error.retryAfterMs ?? 0) : 0
    turn.dueAt = Date.now() + Math.max(asked, Math.min(longestPauseMs, waitMs))
    // One whose turn fails keeps no other from its own.
    if (turn.failures === 1) {
      const why = error instanceof GitHubError ? { reason: error.message } : { err: error }
      deps.log.warn({ repository, ...why }, 'GitHub’s queue of jobs could not be looked at')
    }
  }
}

/**
 * Whoever may not see a repository's runners registers none there either: its jobs say so at once, and go on
 * as soon as that has changed.
 */
async function lookAtRunners(
  deps: QueueDeps,
  { repository, turn }: { repository: string; turn: Turn },
  signal: AbortSignal,
): Promise<void> {
  const { inventory: memory } = turn
  try {
    turn.inventory = await reconcileRunners(deps, { repository, memory }, signal)
    turn.inventoryDueAt = Date.now() + deps.pollMs * quietFactor
    if (turn.isRefused) await forgetProblem(deps, repository)
    turn.isRefused = false
  } catch (error) {
    const isRefusal =
      error instanceof GitHubError && (error.reason === 'refused' || error.reason === 'missing')
    if (isRefusal) {
      turn.isRefused = true
      const message = explainRefusal(error, repository)
      await noteProblem(deps, { repository, message, retryAfterMs: null })
    }
    throw error
  }
}

/** Of jobs that have ended, late deliveries come within days at most. */
async function pruneQueueJobs({ db }: QueueDeps): Promise<void> {
  await sql`
    delete from queue_jobs where github_job_id in (
      select github_job_id from queue_jobs q
      where state = 'completed' and updated_at < now() - ${keptMs}::float8 * interval '1 ms'
        and not exists (select from delegations d where d.github_job_id = q.github_job_id
                          and d.status in ('queued', 'assigned', 'running'))
      order by updated_at limit ${pruneBatch})`.execute(db)
}
