import { type Duty, startDuty } from '../../duties/index.ts'
import { GitHubError } from '../../ports/github.ts'
import type { IngestDeps } from './deps.ts'
import { listPolled, type Monitored, notePollFailure } from './monitored.ts'
import { pollDelay } from './poll-delay.ts'
import { pollRepository } from './poll-repository.ts'
import { refreshUnfinished, type UnfinishedMemory } from './refresh-unfinished.ts'
import { syncConfigured } from './sync-configured.ts'

/** Repositories asked about at once: one that is slow holds up no other. */
const mostLanes = 8
/** Milliseconds after which what is to be polled is looked up again. */
const lookMs = 5_000
/** What is due at the start is spread over so many milliseconds. */
const spreadMs = 5_000

export interface Polling extends Duty {
  /** Asks about a repository soon, although it is not its turn. */
  hurry(repositoryId: number): void
}

interface Turn {
  dueAt: number
  failures: number
}

/**
 * Asks GitHub about every watched repository, each once in `pollMs`. Runs until it loses the lease:
 * repositories take their turns independently of each other.
 */
export function startPolling(deps: IngestDeps & { onEnded: () => void }): Polling {
  const hurried = new Set<number>()
  let notice = () => {}
  const duty = startDuty(deps, {
    name: 'github actions polls',
    everyMs: lookMs,
    async run(signal) {
      await syncConfigured(deps)
      await pollInTurns(deps, { hurried, onNotice: (next) => void (notice = next) }, signal)
    },
  })
  const wake = () => {
    notice()
    duty.wake()
  }
  return {
    get held() {
      return duty.held
    },
    wake,
    hurry(repositoryId) {
      hurried.add(repositoryId)
      wake()
    },
    close: () => duty.close(),
  }
}

async function pollInTurns(
  deps: IngestDeps & { onEnded: () => void },
  input: { hurried: Set<number>; onNotice: (notice: () => void) => void },
  signal: AbortSignal,
): Promise<void> {
  const { hurried, onNotice } = input
  const turns = new Map<number, Turn>()
  const memory: UnfinishedMemory = new Map()
  const lanes = new Map<number, Promise<void>>()
  const failures: unknown[] = []
  const spread = Math.min(spreadMs, deps.pollMs / 2)
  while (!signal.aborted && failures.length === 0) {
    const noticed = new Promise<void>(onNotice)
    const repositories = await listPolled(deps.db)
    forgetOthers(turns, repositories)
    const due = repositories
      .map((repository) => {
        const turn = turnOf(turns, repository, deps.pollMs, spread)
        // One that is being asked about may have been asked too early: its turn comes once more.
        if (hurried.delete(repository.id)) turn.dueAt = 0
        return { repository, turn }
      })
      .toSorted((a, b) => a.turn.dueAt - b.turn.dueAt)
    let nextAt = Date.now() + lookMs
    for (const { repository, turn } of due) {
      if (lanes.has(repository.id)) continue
      if (turn.dueAt > Date.now()) {
        nextAt = Math.min(nextAt, turn.dueAt)
        break
      }
      if (lanes.size >= mostLanes) break
      const lane = pollOnce(deps, { repository, turn, memory }, signal)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => lanes.delete(repository.id))
      lanes.set(repository.id, lane)
    }
    await Promise.race([noticed, pause(nextAt - Date.now(), signal), ...lanes.values()])
  }
  await Promise.all(lanes.values())
  if (failures.length > 0 && !signal.aborted) throw failures[0]
}

async function pollOnce(
  deps: IngestDeps & { onEnded: () => void },
  input: { repository: Monitored; turn: Turn; memory: UnfinishedMemory },
  signal: AbortSignal,
): Promise<void> {
  const { repository, turn, memory } = input
  const { id, fullName } = repository
  turn.dueAt = Date.now() + deps.pollMs
  try {
    const outcome = await pollRepository(deps, repository, signal)
    if (outcome.kind === 'gone') return
    deps.observe.poll(outcome.kind)
    const seen = outcome.repository
    const late = await refreshUnfinished(deps, { repository: seen, memory }, signal)
    if (outcome.ended.length + late.length > 0) deps.onEnded()
    turn.failures = 0
  } catch (error) {
    if (signal.aborted) return
    if (!(error instanceof GitHubError)) throw error
    deps.observe.poll('failed')
    turn.failures += 1
    turn.dueAt =
      Date.now() +
      pollDelay(error, { failures: turn.failures, pollMs: deps.pollMs, random: Math.random() })
    if (turn.failures === 1) {
      deps.log.warn({ repository: fullName, reason: error.message }, 'GitHub could not be asked')
    }
    const isLost = error.reason === 'missing'
    await notePollFailure(deps.db, { id, why: error.message, isLost })
  }
}

function turnOf(
  turns: Map<number, Turn>,
  { id, polledAt }: Monitored,
  pollMs: number,
  spread: number,
): Turn {
  const known = turns.get(id)
  if (known !== undefined) return known
  const now = Date.now()
  // What was just made known is asked about at once, what is overdue in no fixed order.
  const wanted = polledAt === null ? now : polledAt.getTime() + pollMs
  const dueAt = wanted < now && polledAt !== null ? now + Math.random() * spread : wanted
  const turn = { dueAt: Math.min(dueAt, now + pollMs), failures: 0 }
  turns.set(id, turn)
  return turn
}

function forgetOthers(turns: Map<number, Turn>, repositories: readonly Monitored[]): void {
  const present = new Set(repositories.map(({ id }) => id))
  for (const id of turns.keys()) if (!present.has(id)) turns.delete(id)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.max(0, ms))
    signal.addEventListener('abort', done, { once: true })
  })
}
