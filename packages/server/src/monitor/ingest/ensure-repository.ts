import { transact } from '../../db/unit-of-work.ts'
import { GitHubError } from '../../ports/github.ts'
import { freshMs, type MonitorSource } from '../deps.ts'
import { dayMs, type IngestDeps } from './deps.ts'
import { fetchDetails, findUndetailed } from './fetch-details.ts'
import { learnRepository } from './learn-repository.ts'
import { findMonitored, notePollFailure } from './monitored.ts'
import { pollRepository } from './poll-repository.ts'

type Came = Awaited<ReturnType<MonitorSource['ensureRepository']>>

/** Milliseconds that somebody waits for a repository that nobody watches. */
const deadlineMs = 10_000
/** Runs of which jobs and artifacts are fetched at once, those that are shown first. */
const mostDetailed = 30
/** What GitHub does not know is asked again after so many milliseconds. */
const missingMs = 60_000
const mostMissing = 1_000

/** See `MonitorSource`. Those who ask for the same repository at once wait for one answer. */
export function createEnsureRepository(deps: IngestDeps): MonitorSource['ensureRepository'] {
  const loading = new Map<string, Promise<Came>>()
  const missing = new Map<string, number>()

  const load = async (fullName: string, key: string): Promise<Came> => {
    const known = await findMonitored(deps.db, { name: fullName })
    const isHere = known !== null && !known.isLost
    if (isHere && (known.source !== 'read' || isFresh(known.polledAt))) return 'known'
    const missingSince = missing.get(key) ?? 0
    if (Date.now() - missingSince < missingMs) return 'missing'
    try {
      await read(deps, fullName, AbortSignal.timeout(deadlineMs))
      return 'loaded'
    } catch (error) {
      // No answer in time is none.
      if (!(error instanceof GitHubError)) {
        if (error instanceof Error && error.name === 'TimeoutError') return 'away'
        throw error
      }
      const isLost = error.reason === 'missing'
      if (known !== null) {
        await notePollFailure(deps.db, { id: known.id, why: error.message, isLost })
      }
      if (!isLost) return 'away'
      missing.delete(key)
      missing.set(key, Date.now())
      const [oldest] = missing.keys()
      if (missing.size > mostMissing && oldest !== undefined) missing.delete(oldest)
      return 'missing'
    }
  }
  return (fullName, signal) => {
    const key = fullName.toLowerCase()
    const begun = loading.get(key) ?? load(fullName, key).finally(() => loading.delete(key))
    loading.set(key, begun)
    return orAbort(begun, signal)
  }
}

async function read(deps: IngestDeps, fullName: string, signal: AbortSignal): Promise<void> {
  const seen = await deps.actions.getRepository(fullName, signal)
  const id = await transact(deps, (unit) => learnRepository(unit, { seen, source: 'read' }))
  const repository = await findMonitored(deps.db, { id })
  if (repository === null) return
  await pollRepository(deps, repository, signal)
  const since = new Date(Date.now() - 365 * dayMs)
  const runs = await findUndetailed(deps, { since, limit: mostDetailed, repositoryId: id })
  try {
    await Promise.all(runs.map((run) => fetchDetails(deps, run, signal)))
  } catch {
    // The runs are here; what they consist of comes with the next question.
  }
}

function isFresh(polledAt: Date | null): boolean {
  return polledAt !== null && Date.now() - polledAt.getTime() <= freshMs
}

function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    // Also where nobody waits any more: what it rejects with must not be left to the process.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
