import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../errors.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { targetPathProblem } from './check-target-path.ts'
import { resolveTarget, type Target } from './resolve-target.ts'
import type { AssetToPlace } from './branding-to-apply.ts'

/**
 * Copies an asset to where it belongs in a tree. What is there is replaced at once, keeping its mode;
 * a link is replaced, not followed. Refuses, with `invalid_request`, a path that leads out of the tree,
 * and bytes that are not those that were uploaded.
 */
export async function placeAsset(
  { objects }: { objects: ObjectStore },
  input: { directory: string; asset: AssetToPlace },
  signal: AbortSignal,
): Promise<void> {
  const { directory, asset } = input
  const { path, mode } = await findTarget(directory, asset.targetPath, { make: true })
  const body = await objects.get(asset.objectKey)
  if (body === null) throw refusal(`The asset ${asset.fileName} is gone`)
  const scratch = join(directory, `.slipway-${randomUUID()}`)
  try {
    const hash = createHash('sha256')
    body.on('data', (chunk: Buffer) => void hash.update(chunk))
    await pipeline(body, createWriteStream(scratch, { flags: 'wx', mode: 0o600 }), { signal })
    if (hash.digest('hex') !== asset.sha256) {
      throw refusal(`The asset ${asset.fileName} is not what was uploaded any more`)
    }
    await chmod(scratch, mode ?? 0o644)
    await rename(scratch, path)
  } finally {
    await rm(scratch, { force: true })
  }
}

/** What placing an asset would do. */
export async function planAsset(
  input: { directory: string; asset: AssetToPlace },
  signal: AbortSignal,
): Promise<{ action: 'create' | 'replace' | 'unchanged' | 'refused'; problem: string | null }> {
  const { directory, asset } = input
  try {
    const target = await findTarget(directory, asset.targetPath, { make: false })
    if (target.exists === 'no') return { action: 'create', problem: null }
    const same = target.exists === 'file' && (await hashOf(target.path, signal)) === asset.sha256
    return { action: same ? 'unchanged' : 'replace', problem: null }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { action: 'refused', problem: error.message }
  }
}

async function findTarget(
  directory: string,
  path: string,
  options: { make: boolean },
): Promise<Target> {
  const problem = targetPathProblem(path)
  if (problem !== null) throw refusal(`${path} ${problem}`)
  const found = await resolveTarget(directory, path, options)
  if (!found.ok) throw refusal(found.problem)
  return found.target
}

async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash, { signal })
  return hash.digest('hex')
}

function refusal(message: string): AppError {
  return new AppError('invalid_request', message)
}
