import { runGit } from '../../git/index.ts'

/** Whether `sha` is `revision` or one of its ancestors; false also where either is not known here. */
export async function isAncestor(
  directory: string,
  input: { sha: string; revision: string },
  signal: AbortSignal,
): Promise<boolean> {
  const { sha, revision } = input
  const result = await runGit(['merge-base', '--is-ancestor', sha, revision], {
    cwd: directory,
    signal,
  })
  return result.code === 0
}
