import type { PipelineMetricsQuery, PipelineMetricsResponse } from '@slipway/contract/pipelines'
import { isAnonymous } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import type { MonitorDeps } from './deps.ts'
import { findWatched } from './find-watched.ts'
import { measureRuns } from './measure-runs.ts'
import { parseTimeRange } from './parse-time-range.ts'
import { freshnessOf, type Watched } from './watched.ts'

/**
 * What became of the runs created within the range, per repository. `unavailable` only where nothing is
 * here at all because GitHub is away; one repository's failure is told beside the others' figures.
 */
export async function getMetrics(
  deps: MonitorDeps,
  input: { principal: Principal; query: PipelineMetricsQuery },
  signal: AbortSignal,
): Promise<PipelineMetricsResponse> {
  const { principal, query } = input
  const { repository: name, timeRange = '30d', branch } = query
  const rangeMs = parseTimeRange(timeRange)
  const watched = await findWatched(deps, { principal, name }, signal)
  const now = new Date()
  const metricsOf = await measureRuns(deps, { watched, rangeMs, branch, now: now.getTime() })
  const errors = Object.fromEntries(
    watched.flatMap((repository) => {
      const why = whyIncomplete(repository, now.getTime() - rangeMs)
      if (why === null) return []
      const isFailure = repository.pollError !== null
      return [[repository.fullName, isFailure && isAnonymous(principal) ? failed : why]]
    }),
  )
  return {
    metrics: Object.fromEntries(watched.map(({ id, fullName }) => [fullName, metricsOf(id)])),
    timeRange,
    timestamp: now.toISOString(),
    metadata: freshnessOf(watched, now),
    ...(Object.keys(errors).length === 0 ? {} : { errors }),
  }
}

/** A failure as it was may name what is inside, a server's address: it is for those with a token. */
const failed = 'GitHub could not be asked about it the last time'

/** Why runs of the range may be missing; null where all are here. */
function whyIncomplete(repository: Watched, since: number): string | null {
  if (repository.pollError !== null) return repository.pollError
  const { completeSince } = repository
  if (completeSince === null) return 'Its runs are still being fetched'
  if (completeSince.getTime() <= since) return null
  return `Runs before ${completeSince.toISOString()} are not stored`
}
