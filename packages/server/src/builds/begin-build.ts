import type { Build, BuildStepKey } from '@slipway/contract/builds'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import { holdsJob, type JobClaim, settleJob } from '../jobs/index.ts'
import { buildLogKey } from './build-log.ts'
import { type BuildRow, type LockedBuild, lockBuild } from './build-rows.ts'
import { hasEnded } from './build-states.ts'
import type { BuildAttempt } from './build-work.ts'
import type { BuildsDeps } from './deps.ts'
import { endBuild } from './end-build.ts'
import { loadInputs } from './load-inputs.ts'
import { locateSource } from './locate-source.ts'
import { inOrder } from './step-limits.ts'

type Deps = Pick<BuildsDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'repositories' | 'official'>

/**
 * Begins an attempt for the worker that holds the build's job, and hands out all that it needs to know. A
 * build that cannot be done any more, because what it refers to is gone, ends as failed here and now.
 * A `resource_conflict` then, and when the job is no longer the worker's.
 */
export async function beginBuild(
  deps: Deps,
  input: { buildId: number; claim: JobClaim },
): Promise<BuildAttempt> {
  const { build, inputs } = await transact(deps, async (unit) => {
    const locked = await requireClaim(unit, input)
    await beginAttempt(unit, locked)
    const row = await unit.trx
      .selectFrom('builds')
      .selectAll()
      .where('id', '=', locked.id)
      .executeTakeFirstOrThrow()
    return { build: row, inputs: await loadInputs(unit.trx, row) }
  })
  const source = await locateSource(deps, build)
  const problem = !inputs.ok ? inputs.problem : !source.ok ? source.problem : null
  if (problem !== null || !inputs.ok || !source.ok) {
    await giveUp(deps, input, problem ?? '')
    throw new AppError('resource_conflict', `The build cannot be done: ${problem}`)
  }
  return {
    buildId: build.id,
    number: build.attempt,
    logKey: buildLogKey(build.id),
    steps: inOrder(build.steps_to_execute as BuildStepKey[]),
    outputType: build.output_type,
    repository: source.repository,
    ...inputs.inputs,
    image: {
      name: build.image_name,
      tag: build.image_tag,
      args: build.build_args as Build['build_args'],
      platforms: build.platforms,
    },
    variables: variablesOf(build),
  }
}

/** The build of a claim, locked; a `resource_conflict` when it is no longer the worker's. */
export async function requireClaim(
  unit: UnitOfWork,
  input: { buildId: number; claim: JobClaim },
): Promise<LockedBuild> {
  const build = await lockBuild(unit.trx, { build: input.buildId })
  const isTheirs =
    build !== null &&
    build.jobId === input.claim.id &&
    !hasEnded(build.status) &&
    (await holdsJob(unit, input.claim))
  if (!isTheirs) throw new AppError('resource_conflict', 'The build is no longer this worker’s')
  return build
}

async function beginAttempt(unit: UnitOfWork, build: LockedBuild): Promise<void> {
  const attempt = build.attempt + 1
  await unit.trx
    .updateTable('builds')
    .set({
      status: 'running',
      attempt,
      executed_at: build.executedAt ?? unit.now,
      commit_sha: null,
    })
    .where('id', '=', build.id)
    .execute()
  await unit.trx
    .updateTable('build_steps')
    .set({ status: 'pending', progress: null, started_at: null, completed_at: null })
    .where('build_id', '=', build.id)
    .execute()
  const { id: build_id, repository } = build
  const data = { build_id, repository, attempt }
  unit.emit({ type: 'build.started', repository, runId: null, data })
}

async function giveUp(
  deps: Deps,
  input: { buildId: number; claim: JobClaim },
  error: string,
): Promise<void> {
  await transact(deps, async (unit) => {
    const build = await requireClaim(unit, input)
    await endBuild(unit, build, { status: 'failed', reason: 'step_failed', error })
    await settleJob(unit, { ...input.claim, state: 'failed', error })
  })
}

/** What of custom_parameters can be a variable. */
function variablesOf({ custom_parameters }: BuildRow): Record<string, string> {
  const parameters = custom_parameters as Build['custom_parameters']
  const simple = Object.entries(parameters).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  )
  return Object.fromEntries(simple.map(([name, value]) => [name, String(value)]))
}
