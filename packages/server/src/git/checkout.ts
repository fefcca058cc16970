import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { explainGitFailure } from './git-error.ts'
import type { Mirror } from './mirror.ts'
import { runGit } from './run-git.ts'

/**
 * Checks a commit out into `directory` (made here; must not exist). The result is a
 * repository of its own with a detached HEAD that borrows its objects from the mirror,
 * which has to be readable wherever git is used in it. No remote, no credential, no hook.
 * Leaves nothing behind when it fails.
 */
export async function checkout(
  input: {
    mirror: Mirror
    sha: string
    directory: string
    /** Milliseconds; then it is stopped. Default 600,000. */
    timeoutMs?: number
  },
  signal: AbortSignal,
): Promise<void> {
  const { mirror, sha, directory, timeoutMs = 600_000 } = input
  try {
    await writeRepository(mirror, sha, join(directory, '.git'))
    const result = await runGit(['reset', '--hard', '--quiet'], {
      cwd: directory,
      signal,
      timeoutMs,
    })
    if (result.code !== 0) throw explainGitFailure(result.stderr, `${sha} could not be checked out`)
  } catch (error) {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    throw error
  }
}

/** The least that gitrepository-layout(5) calls a repository: two processes fewer than asking git. */
async function writeRepository(mirror: Mirror, sha: string, directory: string): Promise<void> {
  await mkdir(join(directory, 'objects', 'info'), { recursive: true, mode: 0o755 })
  await mkdir(join(directory, 'refs'))
  await Promise.all([
    writeFile(join(directory, 'HEAD'), `${sha}\n`),
    writeFile(
      join(directory, 'config'),
      '[core]\n\trepositoryformatversion = 0\n\tbare = false\n[gc]\n\tauto = 0\n',
    ),
    writeFile(
      join(directory, 'objects', 'info', 'alternates'),
      `${join(mirror.directory, 'objects')}\n`,
    ),
    copyFile(join(mirror.directory, 'shallow'), join(directory, 'shallow')).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      },
    ),
  ])
}
