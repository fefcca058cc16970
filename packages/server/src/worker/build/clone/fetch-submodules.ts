import { realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { checkout, GitError } from '../../../git/index.ts'
import type { CheckedOut, CloneDeps, Note } from './deps.ts'
import { listSubmodules, type Submodule } from './list-submodules.ts'
import { relatedRemote } from './related-remote.ts'

/** Submodules of one build, those of submodules among them. */
const maxSubmodules = 200
/** Submodules of submodules of submodules … */
const maxDepth = 10

/**
 * Fetches the submodules of what has been checked out, theirs too, each as its own `.gitmodules` says
 * (see `relatedRemote`), and answers them. A GitError names the first that cannot be had.
 */
export async function fetchSubmodules(
  deps: CloneDeps,
  input: { root: CheckedOut; note: Note; timeoutMs: number },
  signal: AbortSignal,
): Promise<CheckedOut[]> {
  const { root, note, timeoutMs } = input
  const found: CheckedOut[] = []
  const waiting = [{ parent: root, depth: 1 }]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { parent, depth } = next
    for (const submodule of await listSubmodules(parent.directory, signal)) {
      const path = join(parent.path, submodule.path)
      const planned = await plan(parent, submodule, { path, note })
      if (planned === null) continue
      if (depth > maxDepth)
        throw new GitError(
          `Submodule ${path} is one of more than ${maxDepth} within each other`,
          true,
        )
      if (found.length === maxSubmodules)
        throw new GitError(`There are more than ${maxSubmodules} submodules`, true)
      await requireInside(root.directory, planned.directory)
      await fetchOne(deps, planned, timeoutMs, signal)
      await note(`Submodule ${path}: ${planned.remote.url} at ${planned.commit}`)
      found.push(planned)
      waiting.push({ parent: planned, depth: depth + 1 })
    }
  }
  return found
}

/** Null: it is left empty, and the log says why. */
async function plan(
  parent: CheckedOut,
  submodule: Submodule,
  { path, note }: { path: string; note: Note },
): Promise<CheckedOut | null> {
  const { url, update, commit } = submodule
  if (url === null || update === 'none') {
    const why = url === null ? '.gitmodules does not say where it is' : '.gitmodules says so'
    await note(`Warning: submodule ${path} is left empty: ${why}`)
    return null
  }
  const related = relatedRemote(parent.remote, url)
  if (!related.ok)
    throw new GitError(`Submodule ${path} cannot be fetched: ${related.problem}`, true)
  return { remote: related.remote, commit, directory: join(parent.directory, submodule.path), path }
}

async function fetchOne(
  deps: CloneDeps,
  { remote, commit, directory, path }: CheckedOut,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await deps.mirrors.useCommit(
      { ...remote, commit, fetching: { timeoutMs } },
      signal,
      (mirror, sha) => checkout({ mirror, sha, directory, timeoutMs }, signal),
    )
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    throw new GitError(`Submodule ${path}: ${error.message}`, error.permanent)
  }
}

/** Git puts nothing behind a link; whatever it does, nothing is written outside of the tree. */
async function requireInside(root: string, directory: string): Promise<void> {
  const [top, folder] = await Promise.all([realpath(root), realpath(dirname(directory))])
  if (folder !== top && !folder.startsWith(top + sep)) {
    throw new GitError('A submodule leads out of the tree', true)
  }
}
