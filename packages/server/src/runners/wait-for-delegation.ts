import type { SlipwayEvent } from '@slipway/contract/events'
import { hasEnded } from './delegation-states.ts'
import type { RunnersDeps } from './deps.ts'

const types = { exact: ['runner.job.updated'], prefixes: [] }

/**
 * Resolves when a delegation has ended, on whichever server, or `signal` aborts. `after` is the number of an
 * event that came before anything that could end it.
 */
export async function waitForDelegation(
  { db, feed }: Pick<RunnersDeps, 'db' | 'feed'>,
  input: { id: string; repository: string; after: number },
  signal: AbortSignal,
): Promise<void> {
  const { id, repository, after } = input
  const row = await db
    .selectFrom('delegations')
    .select('status')
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined || hasEnded(row.status)) return
  const filter = { types, repository, visibleRepositories: null }
  for await (const { json } of feed.follow({ after, filter }, signal)) {
    const { data } = JSON.parse(json) as Extract<SlipwayEvent, { event_type: 'runner.job.updated' }>
    if (data.delegation_id === id && hasEnded(data.status)) return
  }
}
