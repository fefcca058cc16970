import { explainGitFailure } from './git-error.ts'
import type { Mirror } from './mirror.ts'
import { runGit } from './run-git.ts'

/** Paths of all files of a commit, relative to its root. At most 64 MiB of names. */
export async function listFiles(
  mirror: Mirror,
  sha: string,
  signal: AbortSignal,
): Promise<string[]> {
  const result = await runGit(['ls-tree', '-r', '-z', '--name-only', '--full-tree', sha], {
    cwd: mirror.directory,
    signal,
  })
  if (result.code !== 0)
    throw explainGitFailure(result.stderr, `The files of ${sha} can't be listed`)
  return result.stdout.toString('utf8').split('\0').filter(Boolean)
}

/**
 * Contents of several files of a commit, in one git process. A path that names
 * no file is absent from the answer; a symbolic link's content is its target.
 */
export async function readFiles(
  mirror: Mirror,
  sha: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  // A line break in a path would be two requests to git.
  const wanted = paths.filter((path) => !/[\r\n]/.test(path))
  if (wanted.length === 0) return files
  const result = await runGit(['cat-file', '--batch'], {
    cwd: mirror.directory,
    signal,
    input: wanted.map((path) => `${sha}:${path}\n`).join(''),
  })
  if (result.code !== 0) throw explainGitFailure(result.stderr, `Files of ${sha} can't be read`)
  let at = 0
  for (const path of wanted) {
    const headerEnd = result.stdout.indexOf(10, at)
    const header = /^[0-9a-f]+ (\w+) (\d+)$/.exec(result.stdout.toString('utf8', at, headerEnd))
    at = headerEnd + 1
    if (header === null) continue
    const size = Number(header[2])
    if (header[1] === 'blob') files.set(path, result.stdout.subarray(at, at + size))
    at += size + 1
  }
  return files
}
