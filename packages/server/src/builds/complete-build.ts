import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import { type JobClaim, settleJob } from '../jobs/index.ts'
import { isObjectKey } from '../ports/object-key.ts'
import { requireClaim } from './begin-build.ts'
import type { BuildResult, ProducedOutput } from './build-work.ts'
import type { BuildsDeps } from './deps.ts'
import { endBuild } from './end-build.ts'
import { outputKeptMs } from './output-rows.ts'
import { outputsPrefix } from './sweep-attempts.ts'

/**
 * Ends a build with what its worker says became of it: its row, its steps, its outputs, its job and the
 * event, all or nothing. A `resource_conflict` when the build is no longer the worker's, an `invalid_request` for
 * an output that is none of the build's.
 */
export async function completeBuild(
  deps: Pick<BuildsDeps, 'db' | 'wakeEvents' | 'wakeJobs'>,
  input: { buildId: number; claim: JobClaim; result: BuildResult },
): Promise<void> {
  const { claim, result } = input
  await transact(deps, async (unit) => {
    const build = await requireClaim(unit, input)
    if (build.status !== 'running') {
      throw new AppError('resource_conflict', 'No attempt at the build has begun')
    }
    if (result.status === 'completed') {
      requireOwnObjects(outputsPrefix(build.id), result.outputs)
      await insertOutputs(unit, build.id, result.outputs)
      await endBuild(unit, build, { status: 'completed', outputs: result.outputs.length })
    } else {
      const { reason, error } = result
      await endBuild(unit, build, { status: 'failed', reason, error })
    }
    const verdict =
      result.status === 'completed'
        ? ({ state: 'succeeded' } as const)
        : ({ state: 'failed', error: result.error } as const)
    if (!(await settleJob(unit, { ...claim, ...verdict }))) {
      throw new AppError('resource_conflict', 'The build is no longer this worker’s')
    }
  })
}

/** Another key would give somebody else's object to whoever may download this, and delete it in the end. */
function requireOwnObjects(prefix: string, outputs: readonly ProducedOutput[]): void {
  for (const output of outputs) {
    if (output.type !== 'zip') continue
    const { objectKey: key } = output
    if (key.startsWith(prefix) && isObjectKey(key)) continue
    throw new AppError('invalid_request', `An output must be an object below ${prefix}`)
  }
}

async function insertOutputs(
  unit: UnitOfWork,
  buildId: number,
  outputs: readonly ProducedOutput[],
): Promise<void> {
  if (outputs.length === 0) return
  const after = (ms: number | null) => (ms === null ? null : new Date(unit.now.getTime() + ms))
  await unit.trx
    .insertInto('build_outputs')
    .values(
      outputs.map((output) => {
        const common = { build_id: buildId, output_type: output.type, created_at: unit.now }
        if (output.type === 'zip') {
          return {
            ...common,
            object_key: output.objectKey,
            file_name: output.fileName,
            file_size_bytes: output.sizeBytes,
            checksum_sha256: output.sha256,
            expires_at: after(outputKeptMs.zip),
          }
        }
        const isPushed = output.digest !== null
        return {
          ...common,
          image_url: output.url,
          image_id: output.imageId,
          image_digest: output.digest,
          image_size_bytes: output.sizeBytes,
          is_pushed: isPushed,
          expires_at: after(isPushed ? outputKeptMs.pushedImage : outputKeptMs.localImage),
        }
      }),
    )
    .execute()
}
