import type {
  Build,
  BuildRepositoryInfo,
  BuildStatus,
  BuildStepKey,
  BuildStepState,
} from '@slipway/contract/builds'
import { buildSteps } from '@slipway/contract/builds'
import { type Kysely, type RawBuilder, type Selectable, sql, type Transaction } from 'kysely'
import { canSee } from '../access/index.ts'
import type { BuildOutputsTable, BuildsTable, BuildStepsTable, Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { toOutput } from './output-rows.ts'

export type BuildRow = Selectable<BuildsTable>

/** A build whose row this transaction holds: nobody else changes anything of it meanwhile. */
export interface LockedBuild {
  id: number
  repository: string
  status: BuildStatus
  jobId: string | null
  attempt: number
  steps: BuildStepKey[]
  startedAt: Date
  executedAt: Date | null
}

/** Locks the build, by its own id or by that of its job. Null when there is none. */
export async function lockBuild(
  trx: Transaction<Tables>,
  by: { build: number } | { job: string },
): Promise<LockedBuild | null> {
  const which = 'build' in by ? sql`id = ${by.build}` : sql`job_id = ${by.job}::uuid`
  const { rows } = await sql<LockedBuild>`
    select id, repository, status, job_id as "jobId", attempt, steps_to_execute as steps,
           started_at as "startedAt", executed_at as "executedAt"
    from builds where ${which} for update`.execute(trx)
  return rows[0] ?? null
}

/** Locks a build that the principal may see; `resource_not_found` otherwise. */
export async function lockVisibleBuild(
  trx: Transaction<Tables>,
  input: { principal: Principal; id: number },
): Promise<LockedBuild> {
  const build = await lockBuild(trx, { build: input.id })
  if (build === null || !canSee(input.principal, build.repository)) throw noSuchBuild(input.id)
  return build
}

/** The row of a build that the principal may see; `resource_not_found` otherwise. */
export async function findBuild(
  { db }: { db: Kysely<Tables> },
  input: { principal: Principal; id: number },
): Promise<BuildRow> {
  const row = await db
    .selectFrom('builds')
    .selectAll()
    .where('id', '=', input.id)
    .executeTakeFirst()
  if (row === undefined || !canSee(input.principal, row.repository)) throw noSuchBuild(input.id)
  return row
}

function noSuchBuild(id: number): AppError {
  return new AppError('resource_not_found', `There is no pipeline run ${id}`)
}

/** A condition on the builds `b` that the principal may see. */
export function visibleBuilds(principal: Principal): RawBuilder<boolean> {
  return principal.repositories === null
    ? sql<boolean>`true`
    : sql<boolean>`b.repository = any(${principal.repositories}::text[])`
}

/** All that a build object shows, but for its log. */
export type BuildWithoutLog = Omit<Build, 'logs' | 'logs_truncated'>

/** Adds to rows their steps and outputs: two queries for any number of them. */
export async function toBuilds(
  { db }: { db: Kysely<Tables> },
  rows: readonly BuildRow[],
): Promise<BuildWithoutLog[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const [steps, outputs] = await Promise.all([
    db
      .selectFrom('build_steps')
      .selectAll()
      .where('build_id', 'in', ids)
      .orderBy('position')
      .execute(),
    db.selectFrom('build_outputs').selectAll().where('build_id', 'in', ids).orderBy('id').execute(),
  ])
  const stepsOf = byBuild(steps)
  const outputsOf = byBuild(outputs)
  return rows.map((row) => toBuild(row, stepsOf.get(row.id) ?? [], outputsOf.get(row.id) ?? []))
}

function byBuild<Row extends { build_id: number }>(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>()
  for (const row of rows) {
    const group = groups.get(row.build_id)
    if (group === undefined) groups.set(row.build_id, [row])
    else group.push(row)
  }
  return groups
}

function toBuild(
  row: BuildRow,
  steps: readonly Selectable<BuildStepsTable>[],
  outputs: readonly Selectable<BuildOutputsTable>[],
): BuildWithoutLog {
  return {
    id: row.id,
    status: row.status,
    steps_to_execute: row.steps_to_execute as BuildStepKey[],
    git_repository_id: row.git_repository_id,
    output_type: row.output_type,
    registry_id: row.registry_id,
    started_at: row.started_at.toISOString(),
    completed_at: row.completed_at?.toISOString() ?? null,
    repository_info: row.repository_info as BuildRepositoryInfo,
    build_outputs: outputs.map((output) => toOutput(output)),
    failure_reason: row.failure_reason,
    error: row.error,
    branding_template_id: row.branding_template_id,
    configuration_id: row.configuration_id,
    ref: row.ref,
    commit_sha: row.commit_sha,
    image_name: row.image_name,
    image_tag: row.image_tag,
    build_args: row.build_args as Build['build_args'],
    platforms: row.platforms,
    custom_parameters: row.custom_parameters as Build['custom_parameters'],
    steps: steps.map(toStep),
    attempt: row.attempt,
    retry_of: row.retry_of,
    executed_at: row.executed_at?.toISOString() ?? null,
    created_by: row.created_by,
  }
}

function toStep(row: Selectable<BuildStepsTable>): BuildStepState {
  const key = row.key as BuildStepKey
  return {
    key,
    name: buildSteps.find((step) => step.key === key)?.name ?? key,
    status: row.status,
    progress: row.progress,
    started_at: row.started_at?.toISOString() ?? null,
    completed_at: row.completed_at?.toISOString() ?? null,
  }
}
