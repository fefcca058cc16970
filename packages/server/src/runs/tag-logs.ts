import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Duty, DutyDeps } from '../duties/index.ts'
import { type EventFeed, startEventConsumer } from '../events/index.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { retentionTag } from '../ports/retention-tag.ts'
import type { LogRetention } from './delete-old-logs.ts'

/**
 * Says of the logs of runs, by a tag of their objects, which environment keeps them ("Lifecycle Management"),
 * so that the bucket's own rules can delete what `deleteOldLogs` did not. What was never deployed has no tag.
 */
export function startLogTagging(
  deps: DutyDeps & { feed: EventFeed; objects: Required<Pick<ObjectStore, 'tagPrefix'>> },
  environments: LogRetention['environments'],
): Duty {
  return startEventConsumer(deps, {
    name: 'tag logs',
    types: { exact: ['deployment.created', 'deployment.completed'], prefixes: [] },
    // A store that is away is asked again: the tag is late, and not left out.
    handle: async ({ runId }) => {
      if (runId !== null) await tagLogs(deps, { runId, environments })
    },
  })
}

async function tagLogs(
  deps: { db: Kysely<Tables>; objects: Required<Pick<ObjectStore, 'tagPrefix'>> },
  input: { runId: string; environments: LogRetention['environments'] },
): Promise<void> {
  const { rows } = await sql<{ environment: string }>`
    select distinct d.environment
      from releases l join deployments d on d.release_id = l.id and d.status <> 'preparing'
     where l.run_id = ${input.runId}`.execute(deps.db)
  const names = new Set(rows.map(({ environment }) => environment))
  const known = input.environments.filter(({ name }) => names.has(name))
  const [highest] = known.toSorted((a, b) => b.keptMs - a.keptMs)
  // Of one that is no longer configured nothing is known.
  if (highest === undefined || known.length < names.size) return
  await deps.objects.tagPrefix(`pipeline-runs/${input.runId}/logs/`, {
    name: retentionTag,
    value: highest.name,
  })
}
