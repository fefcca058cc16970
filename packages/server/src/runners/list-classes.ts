import type { RunnerClassInfo } from '@slipway/contract/runners'
import { sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'
import type { RunnersDeps } from './deps.ts'
import { isAllowed } from './match-class.ts'
import type { RunnerClass } from './runner-class.ts'

/** The classes that a repository of the principal's may use, and how many of their jobs run and wait. */
export async function listClasses(
  { db, classes }: Pick<RunnersDeps, 'db' | 'classes'>,
  { principal }: { principal: Principal },
): Promise<RunnerClassInfo[]> {
  const { repositories } = principal
  const shown = classes.filter(
    (one) =>
      repositories === null || repositories.some((name) => isAllowed(one.repositories, name)),
  )
  const { rows } = await sql<{ class: string; queued: number; active: number }>`
    select class, count(*) filter (where status = 'queued')::float8 as queued,
           count(*) filter (where status <> 'queued' and ledger_job_id is not null)::float8 as active
      from delegations
     where status in ('queued', 'assigned', 'running') and class is not null
       and ${repositories === null ? sql`true` : sql`repository = any(${[...repositories]}::text[])`}
     group by class`.execute(db)
  return shown.map((one) => {
    const { queued = 0, active = 0 } = rows.find((row) => row.class === one.name) ?? {}
    return toInfo(one, { queued, active }, repositories)
  })
}

/** Neither its variables nor its mounts: whoever may see jobs need not know the machine. */
function toInfo(
  one: RunnerClass,
  counts: { queued: number; active: number },
  visible: readonly string[] | null,
): RunnerClassInfo {
  const { name, labels, executor, image, limits, network, maxRunners, maxPerRepository, warm } = one
  const mine = one.repositories?.filter(
    (pattern) => visible === null || visible.some((repository) => isAllowed([pattern], repository)),
  )
  return {
    name,
    labels: [...labels],
    executor,
    image,
    hasCommand: one.command !== null,
    limits,
    network,
    maxRunners,
    maxPerRepository,
    warm,
    repositories: mine ?? null,
    ...counts,
  }
}
