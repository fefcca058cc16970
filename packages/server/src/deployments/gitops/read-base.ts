import { runGit } from '../../git/index.ts'
import { GitOpsError } from './gitops-error.ts'

/** What a commit is made on. */
export interface Base {
  /** Full name; null: the branch has no commit yet. */
  sha: string | null
  /** Of the paths asked for, those that name a file. */
  files: ReadonlyMap<string, Buffer>
}

const mostBytes = 64 * 1024 * 1024

/** What `revision` names, and several of its files, in one process. `paths` hold no line break. */
export async function readBase(
  directory: string,
  input: { revision: string | null; paths: readonly string[] },
  signal: AbortSignal,
): Promise<Base> {
  const { revision, paths } = input
  const files = new Map<string, Buffer>()
  if (revision === null) return { sha: null, files }
  const wanted = [`${revision}^{commit}`, ...paths.map((path) => `${revision}:${path}`)]
  const { code, stdout, stderr } = await runGit(['cat-file', '--batch'], {
    cwd: directory,
    signal,
    input: wanted.map((name) => `${name}\n`).join(''),
    maxOutput: mostBytes,
  })
  if (code !== 0) {
    throw new GitOpsError('The GitOps repository could not be read', { cause: new Error(stderr) })
  }
  let sha: string | null = null
  let at = 0
  for (const index of wanted.keys()) {
    const headerEnd = stdout.indexOf(10, at)
    const header = stdout.toString('utf8', at, headerEnd)
    at = headerEnd + 1
    const [, object, type, size] = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(header) ?? []
    if (object === undefined) continue
    const path = paths[index - 1]
    if (index === 0) sha = object
    else if (type === 'blob' && path !== undefined) {
      files.set(path, stdout.subarray(at, at + Number(size)))
    }
    at += Number(size) + 1
  }
  return { sha, files }
}
