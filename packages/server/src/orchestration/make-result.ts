import type { DispatchGroup, DispatchResult, DispatchStatus } from '@slipway/contract/dispatches'
import { sql } from 'kysely'
import { stageName } from '../runs/index.ts'
import type { OrchestrationDeps } from './deps.ts'
import type { DispatchRow } from './read-dispatch.ts'

/** What a stage that has ended came to. */
export async function makeResult(
  { db }: Pick<OrchestrationDeps, 'db'>,
  row: DispatchRow,
  status: Exclude<DispatchStatus, 'running'>,
): Promise<DispatchResult> {
  const success = status === 'success'
  const groups = success ? await groupsBehind({ db }, row) : []
  const [next] = groups
  return {
    run_id: row.run_id,
    stage: row.stage,
    status,
    run_status: row.run_status,
    commit_sha: row.commit_sha,
    ...(success || row.message === null ? {} : { message: row.message }),
    ...(next === undefined ? {} : { next: next.stage }),
    ...(row.group_number === null ? { groups } : { phases: await phasesOf({ db }, row) }),
  }
}

/** Groups that have something to do, behind this stage, in their order. */
async function groupsBehind(
  { db }: Pick<OrchestrationDeps, 'db'>,
  row: DispatchRow,
): Promise<DispatchGroup[]> {
  const { rows } = await sql<Omit<DispatchGroup, 'stage'>>`
    select p.group_number as group, json_agg(distinct p.name) as phases,
           count(t.id)::integer as tasks, ceil(max(p.timeout_ms) / 1000.0)::integer as timeout_seconds
    from phases p join tasks t on t.phase_id = p.id
    where p.run_id = ${row.run_id}::uuid and p.group_number > ${row.group_number ?? 0}
    group by p.group_number order by p.group_number`.execute(db)
  return rows.map((group) => ({
    ...group,
    stage: stageName({ kind: 'group', group: group.group }),
  }))
}

async function phasesOf(
  { db }: Pick<OrchestrationDeps, 'db'>,
  row: DispatchRow,
): Promise<NonNullable<DispatchResult['phases']>> {
  const { rows } = await sql<NonNullable<DispatchResult['phases']>[number]>`
    select p.id, p.name, p.status, coalesce((
             select json_agg(json_strip_nulls(json_build_object(
               'id', t.id, 'project_name', t.project_name, 'status', t.status, 'attempt', t.attempt,
               'error', t.error)) order by t.position)
             from tasks t where t.phase_id = p.id), '[]') as tasks
    from phases p
    where p.run_id = ${row.run_id}::uuid and p.group_number = ${row.group_number}
    order by p.position`.execute(db)
  return rows
}
