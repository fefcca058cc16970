import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeLocks, runGit } from '../../git/index.ts'
import { GitOpsError } from './gitops-error.ts'
import type { GitOpsStore } from './gitops-store.ts'
import { isAncestor } from './is-ancestor.ts'

const nobody = '0'.repeat(40)
/** Milliseconds: whoever pushes on the machine holds a lock for a moment; whoever was killed, for ever. */
const lockMs = 10_000
const waitsForLocks = ['-c', 'core.filesRefLockTimeout=1000', '-c', 'core.packedRefsTimeout=1000']

/** A bare repository of this server's own, which nobody but it and its machine's owner write to. */
export function createEmbeddedStore(options: { directory: string; branch: string }): GitOpsStore {
  const { directory, branch } = options
  const ref = `refs/heads/${branch}`

  async function git(args: readonly string[], signal: AbortSignal) {
    const { code, stderr } = await runGit(args, { cwd: directory, signal })
    if (code === 0) return
    throw new GitOpsError('The embedded GitOps repository cannot be used', {
      cause: new Error(stderr),
    })
  }

  return {
    directory,
    name: 'the embedded GitOps repository',
    remote: false,
    async open(signal) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const head = await readFile(join(directory, 'HEAD'), 'utf8').catch(() => null)
      if (head === null) await git(['init', '--quiet', '--bare', '.'], signal)
      await removeLocks(directory)
      // What a clone checks out.
      if (head !== `ref: ${ref}\n`) await git(['symbolic-ref', 'HEAD', ref], signal)
    },
    newest: async () => ref,
    async publish({ sha, base }, signal) {
      const { code, stderr } = await runGit(
        [...waitsForLocks, '-c', 'core.fsync=all', 'update-ref', ref, sha, base ?? nobody],
        { cwd: directory, signal },
      )
      if (code === 0) return 'published'
      if (/but expected|reference already exists/.test(stderr)) return 'moved'
      if (/\.lock': File exists/.test(stderr)) {
        await removeLocks(directory, { olderThanMs: lockMs })
        return 'moved'
      }
      throw new GitOpsError('The embedded GitOps repository did not take the commit', {
        cause: new Error(stderr),
      })
    },
    contains: (sha, signal) => isAncestor(directory, { sha, revision: ref }, signal),
    includes: (commits, signal) => isAncestor(directory, commits, signal),
  }
}
