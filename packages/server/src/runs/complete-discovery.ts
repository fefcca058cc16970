import type { ConfigurationProblem } from '@slipway/contract/runs'
import type { ProjectConfig, RepositoryConfig } from '@slipway/forge'
import { sql } from 'kysely'
import { type UnitOfWork, transact } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import { type JobClaim, settleJob } from '../jobs/index.ts'
import { endRun } from './advance-run.ts'
import { advance, applyAdvance } from './apply-advance.ts'
import type { RunsDeps } from './deps.ts'
import { type RunPlan, planRun } from './plan-run.ts'
import { type LockedRun, lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'

/** What a worker found in a commit. */
export type Discovery =
  | {
      ok: true
      /** The commit's full name. */
      commitSha: string
      repository: RepositoryConfig
      projects: readonly ProjectConfig[]
    }
  | { ok: false; message: string; problems?: readonly ConfigurationProblem[] }

/**
 * Takes the result of a run's discovery: lays out its phases and starts the first group, or
 * ends the run. A `resource_conflict` when the job is no longer the reporter's or the run has ended.
 */
export async function completeDiscovery(
  deps: RunsDeps,
  input: { runId: string; claim: JobClaim; discovery: Discovery },
): Promise<void> {
  const { runId, claim, discovery } = input
  await transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { run: runId })
    if (run === null || !isActive(run.status)) throw ended()
    const settled = await settleJob(unit, { ...claim, state: 'succeeded' })
    if (!settled) throw ended()
    if (!discovery.ok) {
      await failDiscovery(deps, unit, run, discovery)
      return
    }
    const twin = await resolveCommit(unit, run, discovery.commitSha)
    if (twin !== null) {
      const message = `${discovery.commitSha} already has an active run on ${run.branch}: ${twin}`
      await failDiscovery(deps, unit, run, { message })
      return
    }
    const { repository, projects } = discovery
    const plan = planRun(run, repository, projects, await releasedProjects(unit, run))
    await storePlan(unit, run, plan)
    await storeConfiguration(unit, run, repository, plan)
    if (projects.length === 0) {
      await unit.trx
        .updateTable('runs')
        .set({ message: 'The repository has no project: no directory with a .forge/project file' })
        .where('id', '=', run.id)
        .execute()
    }
    await advance(deps, unit, run)
  })
}

/** Ends a run whose discovery came to nothing. */
export async function failDiscovery(
  deps: RunsDeps,
  unit: UnitOfWork,
  run: LockedRun,
  failure: { message: string; problems?: readonly ConfigurationProblem[] },
): Promise<void> {
  if (failure.problems !== undefined) {
    await unit.trx
      .updateTable('runs')
      .set({ problems: JSON.stringify(failure.problems) })
      .where('id', '=', run.id)
      .execute()
  }
  const end = { status: 'failed', failedPhase: 'discovery', message: failure.message } as const
  await applyAdvance(deps, unit, run, endRun({ status: run.status, phases: [] }, end))
}

function ended(): AppError {
  return new AppError('resource_conflict', 'The run no longer waits for this discovery')
}

/**
 * Puts the commit's full name into the run; an `invalid_request` where it is that of another commit, for which
 * nobody has asked and which may be trusted less. Answers another active run of it, which this one must
 * not double.
 */
async function resolveCommit(
  unit: UnitOfWork,
  run: LockedRun,
  sha: string,
): Promise<string | null> {
  if (sha === run.commitSha) return null
  if (!sha.startsWith(run.commitSha)) {
    throw new AppError('invalid_request', `${sha} is not the run's commit, ${run.commitSha}`)
  }
  const twin = await unit.trx
    .selectFrom('runs')
    .select('id')
    .where('repository', '=', run.repository)
    .where('branch', '=', run.branch)
    .where('commit_sha', '=', sha)
    .where('status', 'in', ['pending', 'running'])
    .executeTakeFirst()
  if (twin !== undefined) return twin.id
  await unit.trx.updateTable('runs').set({ commit_sha: sha }).where('id', '=', run.id).execute()
  run.commitSha = sha
  return null
}

/** Projects of which this commit is a release already. */
async function releasedProjects(unit: UnitOfWork, run: LockedRun): Promise<Set<string>> {
  const rows = await unit.trx
    .selectFrom('releases')
    .select('project')
    .where('repository', '=', run.repository)
    .where('commit_sha', '=', run.commitSha)
    .execute()
  return new Set(rows.map(({ project }) => project))
}

async function storeConfiguration(
  unit: UnitOfWork,
  run: LockedRun,
  { phases: _, ...repository }: RepositoryConfig,
  plan: RunPlan,
): Promise<void> {
  await unit.trx
    .insertInto('run_configurations')
    .values({ run_id: run.id, repository: JSON.stringify(repository) })
    .execute()
  const projects = plan.projects.map((project, position) => ({
    run_id: run.id,
    position,
    name: project.name,
    path: project.path,
    config: project.config,
    release_trigger: project.releaseTrigger,
  }))
  await insertRows(unit, 'run_projects', projects)
}

async function storePlan(unit: UnitOfWork, run: LockedRun, plan: RunPlan): Promise<void> {
  const phases = plan.phases.map((phase, position) => ({
    id: phase.id,
    run_id: run.id,
    position,
    name: phase.name,
    group_number: phase.group,
    timeout_ms: phase.timeoutMs,
  }))
  const tasks = plan.phases.flatMap((phase) =>
    phase.tasks.map((task, position) => ({
      id: task.id,
      run_id: run.id,
      phase_id: phase.id,
      position,
      project_name: task.project,
      project_path: task.path,
      kind: task.kind,
      artifact_name: task.artifact,
    })),
  )
  const steps = plan.phases.flatMap((phase) =>
    phase.tasks.flatMap((task) =>
      task.steps.map((step, position) => ({
        id: step.id,
        run_id: run.id,
        task_id: task.id,
        position,
        name: step.name,
        definition: step.definition,
        log_key: step.logKey,
      })),
    ),
  )
  await insertRows(unit, 'phases', phases)
  await insertRows(unit, 'tasks', tasks)
  await insertRows(unit, 'steps', steps)
}

/** One parameter for any number of rows: PostgreSQL takes at most 65,535 of them. */
async function insertRows(
  unit: UnitOfWork,
  table: 'phases' | 'tasks' | 'steps' | 'run_projects',
  rows: readonly object[],
): Promise<void> {
  const [first] = rows
  if (first === undefined) return
  const columns = sql.join(Object.keys(first).map((name) => sql.ref(name)))
  await sql`
    insert into ${sql.table(table)} (${columns})
    select ${columns} from jsonb_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(rows)}::jsonb)
  `.execute(unit.trx)
}
