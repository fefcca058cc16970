import { lstat, mkdir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { hasCode } from '../directories.ts'

/** Where a path of a tree really is. */
export interface Target {
  path: string
  /** What is there: a link is not followed. */
  exists: 'no' | 'file' | 'link' | 'other'
  mode: number | null
}

/**
 * Finds where `target` (a checked path) is in a tree, links among its folders followed; answers in one
 * sentence why it may not be written. Makes missing folders with `make`.
 */
export async function resolveTarget(
  directory: string,
  target: string,
  options: { make: boolean },
): Promise<{ ok: true; target: Target } | { ok: false; problem: string }> {
  const root = await realpath(directory)
  const parts = target.split('/')
  const name = parts.pop() ?? ''
  let folder = root
  for (const part of parts) {
    const next = join(folder, part)
    const found = await lookAt(next)
    if (found === null) {
      if (!options.make) return { ok: true, target: { path: join(root, target), ...nothing } }
      await mkdir(next)
      folder = next
      continue
    }
    const real = await realpath(next).catch(() => null)
    if (real === null || !isInside(root, real)) {
      return { ok: false, problem: `${target} leads out of the repository: ${part} is a link` }
    }
    if (!(await lstat(real)).isDirectory()) {
      return { ok: false, problem: `${target} cannot be there: ${part} is no folder` }
    }
    folder = real
  }
  const path = join(folder, name)
  const found = await lookAt(path)
  if (found === null) return { ok: true, target: { path, ...nothing } }
  if (found.isDirectory()) return { ok: false, problem: `${target} is a folder` }
  const exists = found.isFile() ? 'file' : found.isSymbolicLink() ? 'link' : 'other'
  return { ok: true, target: { path, exists, mode: found.isFile() ? found.mode & 0o7777 : null } }
}

const nothing = { exists: 'no', mode: null } as const

/** Whether it is below the root and in nothing that is git's own. */
function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return (
    way === '' || way.split(sep).every((part) => part !== '..' && part.toLowerCase() !== '.git')
  )
}

function lookAt(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  })
}
