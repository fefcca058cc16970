import { removeLocks } from './remove-locks.ts'
import { runGit } from './run-git.ts'

/** Commits that a mirror keeps a ref to; git's negotiation gets slower with each. */
const keptRefs = 50

/**
 * Lets go of all but the newest commits and those in `used`, and packs what is left. Whatever a
 * checkout may still borrow has to be in `used`: the objects of others can go at once.
 */
export async function maintainMirror(
  directory: string,
  used: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  await removeLocks(directory)
  const list = await runGit(
    ['for-each-ref', '--sort=-creatordate', '--format=%(refname)', 'refs/slipway/'],
    { cwd: directory, signal },
  )
  const old = list.stdout
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .slice(keptRefs)
    .filter((ref) => !used.has(ref.slice(ref.lastIndexOf('/') + 1)))
  if (old.length > 0) {
    const input = old.map((ref) => `delete ${ref}\n`).join('')
    await runGit(['update-ref', '--stdin'], { cwd: directory, signal, input })
  }
  await runGit(['gc', '--quiet', '--prune=2.weeks.ago'], {
    cwd: directory,
    signal,
    timeoutMs: 120_000,
  })
}
