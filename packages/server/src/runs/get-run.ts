import type {
  ConfigurationProblem,
  Phase,
  Run,
  RunWorkflow,
  Step,
  Task,
} from '@slipway/contract/runs'
import { type Kysely, sql } from 'kysely'
import { canSee } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { runNotFound } from './cancel-run.ts'

interface RunRow {
  id: string
  repository: string
  branch: string
  commit_sha: string
  status: Run['status']
  trigger_type: Run['trigger_type']
  triggered_by: string
  message: string | null
  problems: ConfigurationProblem[] | null
  started_at: Date
  completed_at: Date | null
  workflow: RunWorkflow | null
  phases: (Omit<Phase, 'tasks'> & {
    tasks: (Omit<Task, 'error' | 'steps'> & { error: string | null; steps: StepRow[] })[]
  })[]
}
type StepRow = Omit<Step, 'error' | 'logs_url'> & { error: string | null }

/**
 * A run with everything in it, as one statement sees it: no part is newer than another.
 * Of a task's attempts it shows the newest. `logsUrl` makes the link to a step's log.
 */
export async function getRun(
  deps: { db: Kysely<Tables>; logsUrl: (stepId: string) => string },
  input: { principal: Principal; runId: string },
): Promise<Run> {
  const { rows } = await sql<RunRow>`
    select r.id, r.repository, r.branch, r.commit_sha, r.status, r.trigger_type, r.triggered_by,
           r.message, r.problems, r.started_at, r.completed_at,
           (select json_strip_nulls(json_build_object('name', w.name, 'status', w.state, 'message', w.message))
            from run_workflows w where w.run_id = r.id) as workflow,
           coalesce((
             select json_agg(json_build_object(
               'id', p.id, 'name', p.name, 'group_number', p.group_number, 'status', p.status,
               'started_at', p.started_at, 'completed_at', p.completed_at,
               'tasks', coalesce((
                 select json_agg(json_build_object(
                   'id', t.id, 'project_name', t.project_name, 'status', t.status, 'attempt', t.attempt,
                   'error', t.error, 'started_at', t.started_at, 'completed_at', t.completed_at,
                   'steps', (
                     select json_agg(json_build_object(
                       'id', s.id, 'name', s.name, 'status', s.status, 'exit_code', s.exit_code,
                       'error', s.error, 'started_at', s.started_at, 'completed_at', s.completed_at
                     ) order by s.position)
                     from steps s where s.task_id = t.id and s.attempt = greatest(t.attempt, 1))
                 ) order by t.position)
                 from tasks t where t.phase_id = p.id), '[]')
             ) order by p.position)
             from phases p where p.run_id = r.id), '[]') as phases
    from runs r where r.id = ${input.runId}`.execute(deps.db)
  const [row] = rows
  if (row === undefined || !canSee(input.principal, row.repository)) throw runNotFound(input.runId)
  const { message, problems, workflow, phases, started_at, completed_at, ...rest } = row
  return {
    ...rest,
    started_at: started_at.toISOString(),
    completed_at: completed_at?.toISOString() ?? null,
    ...(message === null ? {} : { message }),
    ...(problems === null ? {} : { problems }),
    ...(workflow === null ? {} : { workflow }),
    phases: phases.map((phase) => ({
      ...withTimes(phase),
      tasks: phase.tasks.map(({ steps, error, ...task }) => ({
        ...withTimes(task),
        ...(error === null ? {} : { error }),
        steps: steps.map(({ error: stepError, ...step }) => ({
          ...withTimes(step),
          logs_url: deps.logsUrl(step.id),
          ...(stepError === null ? {} : { error: stepError }),
        })),
      })),
    })),
  }
}

/** PostgreSQL writes times in JSON with microseconds and an offset; the contract says milliseconds and Z. */
function withTimes<T extends { started_at: string | null; completed_at: string | null }>(
  row: T,
): T {
  const { started_at, completed_at } = row
  return {
    ...row,
    started_at: started_at === null ? null : new Date(started_at).toISOString(),
    completed_at: completed_at === null ? null : new Date(completed_at).toISOString(),
  }
}
