import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { type Duty, startDuty } from '../../duties/index.ts'
import { GitHubError } from '../../ports/github.ts'
import type { VisibleRepository } from '../../ports/github-actions.ts'
import { hasBudget, type IngestDeps } from './deps.ts'
import { learnRepository } from './learn-repository.ts'

const everyMs = 3_600_000
const retryMs = 60_000
/** Milliseconds until GitHub's budget is looked at again. */
const thriftyMs = 300_000
/** What is left to polls and to people. */
const spared = 0.2
const atOnce = 4
const mostRemembered = 20_000

export interface Detecting extends Duty {
  /** Whether GitHub has refused, or could not be reached, the last time. */
  readonly isAway: boolean
}

/** What GitHub said of a repository's workflows; asked again, it costs nothing where nothing has changed. */
type Memory = Map<number, { etag: string | null; count: number }>

/** Finds every repository that the credential sees and that has a workflow, and watches these. */
export function startDetecting(deps: IngestDeps & { onFound: () => void }): Detecting {
  const memory: Memory = new Map()
  let isAway = false
  const duty = startDuty(deps, {
    name: 'github actions repositories',
    everyMs,
    async run(signal) {
      try {
        const isDone = await detect(deps, memory, signal)
        isAway = false
        return isDone ? everyMs : thriftyMs
      } catch (error) {
        if (signal.aborted || !(error instanceof GitHubError)) throw error
        if (!isAway)
          deps.log.warn({ reason: error.message }, 'GitHub does not say its repositories')
        isAway = true
        return Math.max(retryMs, error.retryAfterMs ?? 0)
      }
    },
  })
  return {
    get held() {
      return duty.held
    },
    get isAway() {
      return isAway
    },
    wake: () => duty.wake(),
    close: () => duty.close(),
  }
}

async function detect(
  deps: IngestDeps & { onFound: () => void },
  memory: Memory,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const page of deps.actions.listRepositories(signal)) {
    const watched = await findWatched(deps, page)
    const others = page.filter(({ id }) => !watched.has(id))
    let found = page.filter(({ id }) => watched.has(id))
    for (let at = 0; at < others.length; at += atOnce) {
      if (!hasBudget(deps, spared)) return false
      const some = others.slice(at, at + atOnce)
      const counts = await Promise.all(
        some.map((repository) => countWorkflows(deps, { repository, memory }, signal)),
      )
      found = [...found, ...some.filter((_, index) => (counts[index] ?? 0) > 0)]
    }
    await transact(deps, async (unit) => {
      for (const seen of found) await learnRepository(unit, { seen, source: 'detected' })
    })
    if (found.length > watched.size) deps.onFound()
  }
  return true
}

/** GitHub's ids of those that are watched already: a poll says all that is to be known of them. */
async function findWatched(
  { db }: IngestDeps,
  page: readonly VisibleRepository[],
): Promise<Set<number>> {
  const { rows } = await sql<{ id: number }>`
    select github_id as id from monitored_repositories
    where github_id = any(${page.map(({ id }) => id)}::bigint[]) and source <> 'read'`.execute(db)
  return new Set(rows.map(({ id }) => id))
}

async function countWorkflows(
  { actions }: IngestDeps,
  { repository, memory }: { repository: VisibleRepository; memory: Memory },
  signal: AbortSignal,
): Promise<number> {
  const { id, fullName } = repository
  const known = memory.get(id)
  try {
    const answer = await actions.countWorkflows(fullName, known?.etag ?? null, signal)
    if (!answer.changed) return known?.count ?? 0
    memory.delete(id)
    memory.set(id, { etag: answer.etag, count: answer.value })
    const [oldest] = memory.keys()
    if (memory.size > mostRemembered && oldest !== undefined) memory.delete(oldest)
    return answer.value
  } catch (error) {
    // One that is gone meanwhile, or whose workflows are not ours to see, is none.
    const isItsOwn = error instanceof GitHubError && ['missing', 'refused'].includes(error.reason)
    if (isItsOwn) return 0
    throw error
  }
}
