import type { TaskJob } from '@slipway/contract/jobs'
import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { NewJob, UnitOfWork } from '../db/unit-of-work.ts'
import type { TaskKind } from './plan-run.ts'
import type { LockedRun } from './run-rows.ts'

/** Milliseconds between the moment a worker ends a task by itself and the one at which the ledger does. */
const deadlineMarginMs = 60_000

interface TaskRow {
  id: string
  kind: TaskKind
  artifact: string | null
  project: string
  path: string
  phase: string
  timeoutMs: number
  /** What later tasks of the run want of the files that this one leaves behind. */
  collect: { artifact: string; path: string }[]
}

/** Puts tasks of a locked run into the ledger. */
export async function dispatchTasks(
  unit: UnitOfWork,
  run: LockedRun,
  taskIds: readonly string[],
): Promise<void> {
  const { rows } = await sql<TaskRow>`
    select t.id, t.kind, t.artifact_name as artifact, t.project_name as project,
           t.project_path as path, p.name as phase, p.timeout_ms as "timeoutMs",
           coalesce((
             select jsonb_agg(jsonb_build_object('artifact', a.artifact_name, 'path', d.producer->>'path'))
             from tasks a join steps s on s.task_id = a.id,
                  lateral (select s.definition->'artifact'->'producer' as producer) d
             where t.kind = 'task' and a.run_id = t.run_id and a.kind = 'artifact'
               and a.project_name = t.project_name and d.producer->'command' = 'null'
           ), '[]') as collect
    from tasks t join phases p on p.id = t.phase_id
    where t.id = any(${taskIds}::uuid[])
    order by p.position, t.position`.execute(unit.trx)
  const dispatched = rows.map((task) => {
    const job = jobOf(run, task)
    unit.enqueue(job)
    return { taskId: task.id, jobId: job.id }
  })
  await sql`
    update tasks t set job_id = u.job_id
    from unnest(${dispatched.map(({ taskId }) => taskId)}::uuid[],
                ${dispatched.map(({ jobId }) => jobId)}::uuid[]) u (id, job_id)
    where t.id = u.id`.execute(unit.trx)
}

function jobOf(run: LockedRun, task: TaskRow): NewJob {
  const payload: TaskJob = {
    run_id: run.id,
    task_id: task.id,
    repository: run.repository,
    branch: run.branch,
    commit_sha: run.commitSha,
    trigger_type: run.triggerType,
    ...(run.trusted ? {} : { trusted: false as const }),
    phase: task.phase,
    project: task.project,
    project_path: task.path,
    timeout_ms: task.timeoutMs,
    ...(task.collect.length === 0 ? {} : { collect: task.collect }),
  }
  const common = { id: uuid(), runId: run.id, timeoutMs: task.timeoutMs + deadlineMarginMs }
  if (task.kind === 'artifact') {
    const subject = `pipeline.artifacts.${run.id}.${task.id}`
    return {
      ...common,
      type: 'artifact',
      subject,
      payload: { ...payload, artifact: task.artifact },
    }
  }
  if (task.kind === 'release') {
    return { ...common, type: 'release', subject: `pipeline.releases.${run.id}`, payload }
  }
  return { ...common, type: 'task', subject: `pipeline.tasks.${run.id}.${task.id}`, payload }
}
