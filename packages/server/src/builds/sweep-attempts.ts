import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import { imageJobLabel } from './build-work.ts'
import type { BuildsDeps } from './deps.ts'

const batchSize = 100
/** Milliseconds after its end for which an engine that is away is asked for a build's images again. */
const engineMs = 86_400_000

/** What a build puts into the object store is below this. */
export function outputsPrefix(buildId: number): string {
  return `builds/${buildId}/outputs/`
}

/** What an attempt puts into the object store is below this. */
export function outputPrefix(buildId: number, attempt: number): string {
  return `${outputsPrefix(buildId)}${attempt}/`
}

/**
 * Removes what attempts that came to nothing left in the object store and at the image engine, of builds that ended at least
 * `graceMs` ago: until then a worker that was given up may still be writing. What cannot be removed
 * stays for the next time, and keeps nothing else. Answers how many builds it was done with.
 */
export async function sweepAttempts(
  deps: Pick<BuildsDeps, 'db' | 'objects' | 'images' | 'log'>,
  input: { graceMs: number; signal: AbortSignal },
): Promise<number> {
  const { graceMs, signal } = input
  let total = 0
  for (let after = 0; !signal.aborted;) {
    const { rows } = await sql<Ended>`
      select b.id, b.attempt, array(
        select o.object_key from build_outputs o
        where o.build_id = b.id and o.object_key is not null
      ) as keys,
      case when b.status = 'failed' and 'build_image' = any(b.steps_to_execute) then b.job_id end
        as "imageJob", b.completed_at as "endedAt"
      from builds b
      where b.completed_at < now() - ${graceMs}::float8 * interval '1 ms' and not b.is_swept
        and b.id > ${after}
      order by b.id limit ${batchSize}`.execute(deps.db)
    for (const build of rows) {
      if (signal.aborted) break
      after = build.id
      try {
        await sweep(deps, build)
        total += 1
      } catch (error) {
        deps.log.warn({ err: error, build_id: build.id }, 'what a build left could not be removed')
      }
    }
    if (rows.length < batchSize) break
  }
  return total
}

interface Ended {
  id: number
  attempt: number
  /** Of the files that it has made. */
  keys: string[]
  /** The job whose images nobody needs; null: there are none such. */
  imageJob: string | null
  endedAt: Date
}

async function sweep(
  deps: Pick<BuildsDeps, 'db' | 'objects' | 'images'>,
  build: Ended,
): Promise<void> {
  const { db, objects } = deps
  const { id, attempt, keys } = build
  for (let number = 1; number <= attempt; number++) {
    const prefix = outputPrefix(id, number)
    if (!keys.some((key) => key.startsWith(prefix))) await objects.deletePrefix(prefix)
  }
  await removeImages(deps, build)
  await db.updateTable('builds').set({ is_swept: true }).where('id', '=', id).execute()
}

/** Of an attempt whose worker died there may be an image that no output names. */
async function removeImages(
  { images }: Pick<BuildsDeps, 'images'>,
  { imageJob, endedAt }: Ended,
): Promise<void> {
  if (imageJob === null) return
  try {
    for (const { id } of await images.list(`${imageJobLabel}=${imageJob}`)) await images.remove(id)
  } catch (error) {
    const isAway = error instanceof AppError && error.code === 'unavailable'
    // There may never have been an engine.
    if (!isAway || Date.now() - endedAt.getTime() < engineMs) throw error
  }
}
