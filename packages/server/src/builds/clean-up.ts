import type { CleanupResult } from '@slipway/contract/build-figures'
import { type RawBuilder, sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { visibleBuilds } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'

/** Outputs that are looked up at once. */
const batchSize = 100
/** Milliseconds after its time for which an engine that is away is asked for an image again. */
const engineMs = 86_400_000

interface Expired {
  id: number
  object_key: string | null
  image_url: string | null
  image_id: string | null
  expires_at: Date
}

/**
 * Removes the files and local images of outputs that have expired, and answers how many. What cannot be
 * removed is counted as failed and stays for the next time. Doing it twice at once is harmless.
 * `principal` null is the server itself.
 */
export async function cleanUpOutputs(
  deps: Pick<BuildsDeps, 'db' | 'objects' | 'images' | 'log'>,
  input: { principal: Principal | null; signal: AbortSignal },
): Promise<CleanupResult> {
  const { principal, signal } = input
  const visible = principal === null ? sql<boolean>`true` : visibleBuilds(principal)
  const result = { total_cleaned: 0, files_cleaned: 0, images_cleaned: 0, failed: 0 }
  for (let after = 0; !signal.aborted;) {
    const outputs = await expiredOutputs(deps, { after, visible })
    for (const output of outputs) {
      if (signal.aborted) break
      after = output.id
      try {
        await removeOutput(deps, output, signal)
      } catch (error) {
        deps.log.warn({ err: error, output: output.id }, 'a build output could not be removed')
        result.failed += 1
        continue
      }
      if (!(await markCleaned(deps, output.id))) continue
      result.total_cleaned += 1
      if (output.object_key === null) result.images_cleaned += 1
      else result.files_cleaned += 1
    }
    if (outputs.length < batchSize) break
  }
  return result
}

async function expiredOutputs(
  { db }: Pick<BuildsDeps, 'db'>,
  input: { after: number; visible: RawBuilder<boolean> },
): Promise<Expired[]> {
  const { rows } = await sql<Expired>`
    select o.id, o.object_key, o.image_url, o.image_id, o.expires_at
    from build_outputs o join builds b on b.id = o.build_id
    where o.cleaned_at is null and o.expires_at <= now() and o.id > ${input.after}
      and ${input.visible}
    order by o.id limit ${batchSize}`.execute(db)
  return rows
}

async function removeOutput(
  deps: Pick<BuildsDeps, 'db' | 'objects' | 'images'>,
  output: Expired,
  signal: AbortSignal,
): Promise<void> {
  if (output.object_key !== null) await deps.objects.delete(output.object_key)
  if (output.image_url === null) return
  // A younger build may have given the name to another image, or made the very same one.
  const { rows } = await sql<{ image_url: string | null; image_id: string | null }>`
    select image_url, image_id from build_outputs
    where id <> ${output.id} and (image_url = ${output.image_url} or image_id = ${output.image_id})
      and cleaned_at is null and expires_at > now()`.execute(deps.db)
  const isNamed = rows.some((row) => row.image_url === output.image_url)
  const isUsed = rows.some((row) => row.image_id === output.image_id)
  const { image_url: name, image_id: id } = output
  try {
    if (!isNamed && (await hasName({ images: deps.images, name, id }, signal))) {
      await deps.images.remove(name)
    } else if (!isUsed && id !== null) await deps.images.remove(id)
  } catch (error) {
    // It may be at the engine of another machine, whose worker removes it there; here there may be none.
    const isAway = error instanceof AppError && error.code === 'unavailable'
    if (!isAway || Date.now() - output.expires_at.getTime() < engineMs) throw error
  }
}

/** Whether an image still has its name: somebody may have given that to another, which is theirs. */
async function hasName(
  { images, name, id }: Pick<BuildsDeps, 'images'> & { name: string; id: string | null },
  signal: AbortSignal,
): Promise<boolean> {
  return id === null || (await images.find(name, signal))?.id === id
}

/** False: somebody else has done it meanwhile, and counts it. */
async function markCleaned({ db }: Pick<BuildsDeps, 'db'>, id: number): Promise<boolean> {
  const { rows } = await sql`
    update build_outputs set cleaned_at = now()
    where id = ${id} and cleaned_at is null returning id`.execute(db)
  return rows.length === 1
}
