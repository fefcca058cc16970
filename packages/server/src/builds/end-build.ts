import type { BuildFailureReason, BuildStepKey, BuildStepStatus } from '@slipway/contract/builds'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import type { LockedBuild } from './build-rows.ts'
import { endedStep, hasEnded } from './build-states.ts'

/** Characters of a failure's reason that are kept. */
const mostErrorLength = 4_000

/** How a build ends. */
export type BuildEnd =
  | { status: 'completed'; outputs: number }
  | { status: 'failed'; reason: BuildFailureReason; error: string }

/**
 * Ends a locked build as it stands: what ran is failed, what had not begun is skipped. False: it had
 * ended already, and nothing changed. Its job is the caller's.
 */
export async function endBuild(
  unit: UnitOfWork,
  build: LockedBuild,
  end: BuildEnd,
): Promise<boolean> {
  if (hasEnded(build.status)) return false
  const failure =
    end.status === 'failed'
      ? { failure_reason: end.reason, error: storable(end.error) }
      : { failure_reason: null, error: null }
  await unit.trx
    .updateTable('builds')
    .set({ status: end.status, ...failure, completed_at: unit.now })
    .where('id', '=', build.id)
    .execute()
  await endSteps(unit, build, end.status)
  const { id: build_id, repository } = build
  const about = { repository, runId: null }
  if (end.status === 'failed') {
    const data = {
      build_id,
      repository,
      status: end.status,
      failure_reason: end.reason,
      error: storable(end.error),
    }
    unit.emit({ type: 'build.failed', ...about, data })
    return true
  }
  const since = build.executedAt ?? build.startedAt
  const seconds = Math.max(0, Math.round((unit.now.getTime() - since.getTime()) / 1000))
  const data = { build_id, repository, status: end.status, outputs: end.outputs }
  unit.emit({ type: 'build.completed', ...about, data: { ...data, duration_seconds: seconds } })
  return true
}

async function endSteps(
  unit: UnitOfWork,
  build: LockedBuild,
  end: 'completed' | 'failed',
): Promise<void> {
  const steps = await unit.trx
    .selectFrom('build_steps')
    .select(['key', 'status', 'progress'])
    .where('build_id', '=', build.id)
    .orderBy('position')
    .execute()
  for (const { key, status: before, progress } of steps) {
    const status = endedStep(before, end)
    if (status === before) continue
    await writeStep(unit, build, { key: key as BuildStepKey, status, progress })
  }
}

/** Writes a step of a locked build and says so. Whoever calls has checked the transition. */
export async function writeStep(
  unit: UnitOfWork,
  build: Pick<LockedBuild, 'id' | 'repository'>,
  step: {
    key: BuildStepKey
    status: BuildStepStatus
    progress: number | null
    /** Say nothing: it is progress that was just spoken of. */
    silent?: boolean
  },
): Promise<void> {
  const { key, status, progress, silent = false } = step
  const { now } = unit
  await unit.trx
    .updateTable('build_steps')
    .set({
      status,
      progress,
      ...(status === 'completed' || status === 'failed' ? { completed_at: now } : {}),
    })
    .$if(status !== 'skipped' && status !== 'pending', (query) =>
      query.set((eb) => ({ started_at: eb.fn.coalesce('started_at', eb.val(now)) })),
    )
    .where('build_id', '=', build.id)
    .where('key', '=', key)
    .execute()
  if (silent) return
  const { id: build_id, repository } = build
  unit.emit({
    type: 'build.step.updated',
    repository,
    runId: null,
    data: { build_id, repository, step: key, status, progress },
  })
}

/** Without NUL and half surrogate pairs, which PostgreSQL refuses, and not for ever. */
function storable(error: string): string {
  const wellFormed = Buffer.from(error.slice(0, mostErrorLength)).toString('utf8')
  return wellFormed.replaceAll('\0', '\uFFFD')
}
