import {
  type ConfigurationProblem,
  isForgeFile,
  loadForge,
  type ProjectConfig,
  type RepositoryConfig,
} from '@slipway/forge'
import type { Mirrors } from './mirrors.ts'
import { listFiles, readFiles } from './read-tree.ts'

/** What the `.forge` files of a commit say; `sha` is its full name. */
export type CommitForge = { sha: string } & (
  | { ok: true; repository: RepositoryConfig; projects: ProjectConfig[] }
  | { ok: false; problems: ConfigurationProblem[] }
)

/**
 * Reads the configuration of a commit, which may be abbreviated. Fails with a GitError: permanent
 * for an unknown or ambiguous commit or repository.
 */
export async function readForge(
  mirrors: Mirrors,
  input: Parameters<Mirrors['useCommit']>[0] & {
    /** Names that artifacts may give besides those of the repository's own publishers. */
    publishers?: readonly string[]
  },
  signal: AbortSignal,
): Promise<CommitForge> {
  const { publishers = [], ...commit } = input
  const { sha, files } = await mirrors.useCommit(commit, signal, async (mirror, sha) => {
    const paths = (await listFiles(mirror, sha, signal)).filter(isForgeFile)
    return { sha, files: await readFiles(mirror, sha, paths, signal) }
  })
  const tree = {
    list: async () => [...files.keys()],
    read: async (path: string) => files.get(path) ?? Buffer.alloc(0),
  }
  return { sha, ...(await loadForge(tree, { signal, publishers })) }
}
