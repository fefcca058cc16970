import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  checkout,
  GitError,
  type GitRemote,
  openRemote,
  type ResolvedRef,
  resolveRef,
  retryPassing,
} from '../../../git/index.ts'
import type { CheckedOut, CloneDeps, Note } from './deps.ts'
import { fetchLargeFiles } from './fetch-large-files.ts'
import { fetchSubmodules } from './fetch-submodules.ts'

/**
 * Puts a commit of a repository into `directory` (made here; must not exist): its files, those of its
 * submodules and what Git LFS keeps, and no `.git`. Answers the commit's full name. A GitError says in
 * one sentence why that cannot be; whoever calls then removes the directory.
 */
export async function cloneRepository(
  deps: CloneDeps,
  input: {
    remote: GitRemote
    /** Branch, tag or commit; null: the default branch. */
    ref: string | null
    directory: string
    note: Note
    /** Told whole percent of what is fetched of the repository itself. */
    progress: (percent: number) => void
    /** Milliseconds that a single command of git may take. */
    timeoutMs: number
  },
  signal: AbortSignal,
): Promise<{ commitSha: string }> {
  const { remote, ref, directory, note, timeoutMs } = input
  await note(`Cloning ${remote.url}${ref === null ? '' : `, ${ref}`}`)
  const commit = await checkOutRef(deps, input, signal)
  const root: CheckedOut = { remote, commit, directory, path: '' }
  const submodules = await fetchSubmodules(deps, { root, note, timeoutMs }, signal)
  for (const tree of [root, ...submodules]) {
    await fetchLargeFiles(deps, { tree, note, timeoutMs }, signal)
  }
  await Promise.all(
    [root, ...submodules].map((tree) =>
      rm(join(tree.directory, '.git'), { recursive: true, force: true, maxRetries: 3 }),
    ),
  )
  return { commitSha: commit }
}

/** Answers the full name of the commit. */
async function checkOutRef(
  deps: CloneDeps,
  input: Parameters<typeof cloneRepository>[1],
  signal: AbortSignal,
): Promise<string> {
  const { remote, directory, note, progress, timeoutMs } = input
  for (let resolved = await resolve(deps, input, signal); ;) {
    try {
      const { commit } = resolved
      return await deps.mirrors.useCommit(
        { ...remote, commit, fetching: { timeoutMs, progress } },
        signal,
        async (mirror, sha) => {
          await checkout({ mirror, sha, directory, timeoutMs }, signal)
          await note(describe(resolved, sha))
          return sha
        },
      )
    } catch (error) {
      if (!(error instanceof GitError) || !error.permanent) throw error
      // A branch that has moved on since: some remotes give out only what they name at the moment.
      const again = await resolve(deps, input, signal)
      if (again.commit === resolved.commit) throw error
      resolved = again
    }
  }
}

async function resolve(
  { accessDirectory }: CloneDeps,
  { remote, ref }: { remote: GitRemote; ref: string | null },
  signal: AbortSignal,
): Promise<ResolvedRef> {
  const access = await openRemote({ directory: accessDirectory }, remote)
  try {
    return await retryPassing(signal, () => resolveRef(access, ref, signal))
  } finally {
    await access.close()
  }
}

function describe({ kind, name }: ResolvedRef, sha: string): string {
  return kind === 'commit' ? `Checked out commit ${sha}` : `Checked out ${kind} ${name} at ${sha}`
}
