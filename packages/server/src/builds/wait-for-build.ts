import type { BuildFailureReason, BuildStatus } from '@slipway/contract/builds'
import type { SlipwayEvent } from '@slipway/contract/events'
import type { BuildsDeps } from './deps.ts'
import { hasEnded } from './build-states.ts'

/** How a build stands. */
export interface BuildStanding {
  status: BuildStatus
  failureReason: BuildFailureReason | null
  error: string | null
  /** How many outputs it has. */
  outputs: number
}

/**
 * Waits until a build has ended, on whichever server, and answers how it stands: as it is then, or when
 * `signal` aborts. `after` is the number of an event that came before anything that could end the build.
 */
export async function waitForBuild(
  deps: Pick<BuildsDeps, 'db' | 'feed'>,
  input: { id: number; repository: string; after: number },
  signal: AbortSignal,
): Promise<BuildStanding | null> {
  const { id, repository, after } = input
  const types = { exact: ['build.completed', 'build.failed'], prefixes: [] }
  const filter = { types, repository, visibleRepositories: null }
  const first = await readStanding(deps, id)
  if (first === null || hasEnded(first.status)) return first
  for await (const { json } of deps.feed.follow({ after, filter }, signal)) {
    const event = JSON.parse(json) as SlipwayEvent
    if ('build_id' in event.data && event.data.build_id === id) break
  }
  return readStanding(deps, id)
}

async function readStanding(
  { db }: Pick<BuildsDeps, 'db'>,
  id: number,
): Promise<BuildStanding | null> {
  const row = await db
    .selectFrom('builds')
    .select((eb) => [
      'status',
      'failure_reason as failureReason',
      'error',
      eb
        .selectFrom('build_outputs')
        .select((outputs) => outputs.fn.countAll<number>().as('count'))
        .whereRef('build_id', '=', 'builds.id')
        .as('outputs'),
    ])
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? null : { ...row, outputs: row.outputs ?? 0 }
}
