import { sql } from 'kysely'
import { isAllowed } from '../match-class.ts'
import type { QueueDeps } from './deps.ts'

/** A repository whose queue is looked at. */
export interface QueueRepository {
  /** owner/name. */
  name: string
  /** Whether jobs of it wait or run here. */
  isBusy: boolean
}

/** Repositories looked at, at most: those with jobs first. */
const most = 500

/** Those that classes name, that had jobs here in the last days, and of the rest those that a class is for. */
export async function listQueueRepositories(
  deps: Pick<QueueDeps, 'db' | 'classes' | 'listRepositories'>,
): Promise<QueueRepository[]> {
  const { rows } = await sql<QueueRepository>`
    select repository as name, bool_or(busy) as "isBusy" from (
      select repository, true as busy from delegations
      where source = 'queue' and status in ('queued', 'assigned', 'running')
      union all
      select repository, state <> 'completed' from queue_jobs
    ) known group by repository order by 2 desc, 1 limit ${most}`.execute(deps.db)
  const named = deps.classes
    .flatMap(({ repositories }) => repositories ?? [])
    .filter((name) => !name.endsWith('/*'))
  const served = (await deps.listRepositories()).filter((name) =>
    deps.classes.some(({ repositories }) => isAllowed(repositories, name)),
  )
  const known = new Set(rows.map(({ name }) => name.toLowerCase()))
  const others: QueueRepository[] = []
  for (const name of [...named, ...served]) {
    if (known.has(name.toLowerCase())) continue
    known.add(name.toLowerCase())
    others.push({ name, isBusy: false })
  }
  return [...rows, ...others].slice(0, most)
}
