import type { TaskJob } from '@slipway/contract/jobs'
import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pack as createPack } from 'tar-stream'
import { hasCode } from '../directories.ts'
import { AppError } from '../errors.ts'
import { packTar } from '../oci/index.ts'
import { checkObjectKey } from '../ports/object-key.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** What is collected is the content of a folder, or one file; the archive says which. */
export const folderEntry = './'

/** Milliseconds that one upload may take; the task's own time limit ends it sooner. */
const uploadMs = 24 * 3_600_000

/** Where what a run's steps left behind waits for the artifact's turn. */
export function collectedKey(input: { runId: string; project: string; artifact: string }): string {
  const key = `pipeline-runs/${input.runId}/artifacts/${input.project}/${input.artifact}.tar`
  checkObjectKey(key)
  return key
}

/**
 * Keeps what the steps of a task left behind for artifacts of their project; what is not there is
 * left to another phase, and what a later phase leaves replaces what an earlier one left. AppError
 * `invalid_request` or `payload_too_large` says which artifact cannot be had and why.
 */
export async function collectArtifacts(
  deps: { objects: ObjectStore; artifactLimitBytes: number },
  input: {
    workspace: string
    job: Pick<TaskJob, 'run_id' | 'project' | 'project_path' | 'collect'>
  },
  signal: AbortSignal,
): Promise<void> {
  const { workspace, job } = input
  for (const { artifact, path } of job.collect ?? []) {
    const place = { runId: job.run_id, project: job.project, artifact }
    try {
      await collectPath(deps, { workspace, projectPath: job.project_path, path, place }, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AppError)) throw error
      throw new AppError(error.code, `Artifact ${artifact} (${path}): ${error.message}`)
    }
  }
}

/** Stores one path as an archive. Answers whether it is there. */
export async function collectPath(
  deps: { objects: ObjectStore; artifactLimitBytes: number },
  input: {
    workspace: string
    projectPath: string
    path: string
    place: Parameters<typeof collectedKey>[0]
  },
  signal: AbortSignal,
): Promise<boolean> {
  const found = await locate(input)
  if (found === null) return false
  const archive = Readable.from(archiveOf(found, deps.artifactLimitBytes, signal), {
    objectMode: false,
  })
  try {
    await deps.objects.put(collectedKey(input.place), archive, { timeoutMs: uploadMs })
  } finally {
    archive.destroy()
  }
  return true
}

/** The real place of the path; null where there is nothing. Links count by where they lead. */
async function locate(input: {
  workspace: string
  projectPath: string
  path: string
}): Promise<{ path: string; isFolder: boolean } | null> {
  const root = await realpath(input.workspace)
  let path: string
  try {
    path = await realpath(join(root, input.projectPath, input.path))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
    if (hasCode(error, 'ELOOP', 'EACCES', 'ENAMETOOLONG')) {
      throw new AppError('invalid_request', 'The path cannot be followed to its end')
    }
    throw error
  }
  if (path !== root && !path.startsWith(root + sep)) {
    throw new AppError('invalid_request', 'The path leads out of the workspace')
  }
  return { path, isFolder: (await stat(path)).isDirectory() }
}

/** A folder's archive begins with the folder itself, so that it is not taken for a lone file. */
async function* archiveOf(
  found: { path: string; isFolder: boolean },
  limit: number,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  if (found.isFolder) yield await folderHeader()
  let total = 0
  for await (const chunk of packTar({ path: found.path }, signal) as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > limit) {
      throw new AppError(
        'payload_too_large',
        `It has more than the ${limit} bytes that are allowed`,
      )
    }
    yield chunk
  }
}

/** The 512 bytes of a header alone, without the blocks that end an archive. */
async function folderHeader(): Promise<Buffer> {
  const pack = createPack()
  pack.entry({ name: folderEntry, type: 'directory', mode: 0o755, mtime: new Date(0), size: 0 })
  pack.finalize()
  return (await buffer(pack)).subarray(0, 512)
}
