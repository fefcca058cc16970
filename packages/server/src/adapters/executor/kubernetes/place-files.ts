import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { AppError } from '../../../errors.ts'
import { type CheckedSpec, contains } from '../check-spec.ts'

/** The volume by which a worker and its steps see the same files. */
export interface SharedVolume {
  /** Name of the PersistentVolumeClaim. */
  claim: string
  /** Where this process has it mounted. */
  path: string
}

/** What a step's container sees of its worker's files. */
export interface PlacedFiles {
  /** Directories of the volume, those above before those below. */
  mounts: readonly { path: string; subPath: string; readOnly: boolean }[]
  /** Directories that are not on the volume, whole: small ones, such as those of secrets. */
  copies: readonly { path: string; files: readonly { name: string; content: Buffer }[] }[]
}

/** Bytes that are handed over with a step: a Secret has at most 1 MiB. */
const maxCopyBytes = 512 * 1024

/**
 * Where each directory of an execution is found in the cluster. An AppError `invalid_request` says which one
 * is not on the volume and cannot be handed over either.
 */
export async function placeFiles(
  spec: CheckedSpec,
  volume: SharedVolume,
  /** Directories of our own on the volume, read-only, and their places in the container. */
  own: readonly { path: string; at: string }[],
): Promise<PlacedFiles> {
  const mounts: { path: string; subPath: string; readOnly: boolean }[] = []
  const copies: { path: string; files: { name: string; content: Buffer }[] }[] = []
  const mount = (path: string, readOnly: boolean, at = path): boolean => {
    if (!contains(volume.path, path)) return false
    if (at.includes(':')) {
      throw new AppError('invalid_request', `A cluster takes no path with a colon: ${at}`)
    }
    mounts.push({ path: at, subPath: relative(volume.path, path), readOnly })
    return true
  }
  const writable = [spec.workspace, ...(spec.cache === null ? [] : [spec.cache])]
  for (const path of new Set(writable)) {
    if (mount(path, false)) continue
    throw new AppError(
      'invalid_request',
      `${path} is not on the volume of KUBERNETES_VOLUME_CLAIM, which is at ${volume.path}`,
    )
  }
  for (const path of new Set(spec.readOnly)) {
    if (!mount(path, true)) copies.push({ path, files: await readFiles(path) })
  }
  for (const { path, at } of own) mount(path, true, at)
  return { mounts: mounts.toSorted((a, b) => (a.path < b.path ? -1 : 1)), copies }
}

/** The files of a directory, which has no others below; a link is what it leads to. */
async function readFiles(path: string): Promise<{ name: string; content: Buffer }[]> {
  const refuse = (why: string) =>
    new AppError(
      'invalid_request',
      `${path} is not on the volume of KUBERNETES_VOLUME_CLAIM, and ${why} to be handed to a step`,
    )
  const files: { name: string; content: Buffer }[] = []
  let bytes = 0
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isFile()) throw refuse('has too much in it')
    const content = await readFile(join(path, entry.name))
    bytes += content.length
    if (bytes > maxCopyBytes) throw refuse('is too large')
    files.push({ name: entry.name, content })
  }
  return files
}
