import { refNameProblem } from './check-ref-name.ts'
import { explainGitFailure, GitError } from './git-error.ts'
import type { GitAccess } from './open-remote.ts'
import { runGit } from './run-git.ts'

/** What a ref of a remote stands for at this moment. */
export interface ResolvedRef {
  kind: 'branch' | 'tag' | 'commit'
  /** Of the branch or tag; of a commit, as it was asked for. */
  name: string
  /** Abbreviated only where it was asked for so. */
  commit: string
}

/** Milliseconds that a remote has to answer. */
const timeoutMs = 60_000
const commitName = /^[0-9a-f]{4,40}$/i

/**
 * Asks a remote what `ref` is there: a branch, else a tag, else a commit by its name, full or abbreviated
 * (of which the remote is not asked); null: its default branch. A permanent GitError where there is no
 * such thing, or nothing at all yet.
 */
export async function resolveRef(
  access: GitAccess,
  ref: string | null,
  signal: AbortSignal,
): Promise<ResolvedRef> {
  if (ref !== null && /^[0-9a-f]{40}$/i.test(ref)) {
    return { kind: 'commit', name: ref, commit: ref.toLowerCase() }
  }
  const problem = ref === null ? null : refNameProblem(ref)
  if (problem !== null) throw new GitError(`The ref ${problem}`, true)
  const wanted = ref === null ? [] : candidates(ref)
  const remote = await listRefs(access, ['HEAD', ...wanted.map(({ ref: full }) => full)], signal)
  if (ref === null) return defaultBranch(access, remote, signal)
  for (const { kind, name, ref: full } of wanted) {
    // Of an annotated tag, the commit behind it.
    const commit = remote.commits.get(`${full}^{}`) ?? remote.commits.get(full)
    if (commit !== undefined) return { kind, name, commit }
  }
  if (commitName.test(ref)) return { kind: 'commit', name: ref, commit: ref.toLowerCase() }
  if (remote.commits.size === 0 && (await isWithoutRefs(access, signal))) throw nothingYet(access)
  throw new GitError(`There is no branch, tag or commit ${ref} in ${access.url}`, true)
}

function candidates(ref: string): { kind: 'branch' | 'tag'; name: string; ref: string }[] {
  const [, folder, rest = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? []
  if (folder === 'heads') return [{ kind: 'branch', name: rest, ref }]
  if (folder === 'tags') return [{ kind: 'tag', name: rest, ref }]
  return [
    { kind: 'branch', name: ref, ref: `refs/heads/${ref}` },
    { kind: 'tag', name: ref, ref: `refs/tags/${ref}` },
  ]
}

interface ListedRefs {
  /** What HEAD points to, where the remote says it. */
  head: string | null
  commits: ReadonlyMap<string, string>
}

async function listRefs(
  access: GitAccess,
  patterns: readonly string[],
  signal: AbortSignal,
): Promise<ListedRefs> {
  const asked = patterns.flatMap((ref) =>
    ref.startsWith('refs/tags/') ? [ref, `${ref}^{}`] : [ref],
  )
  const result = await runGit(['ls-remote', '--symref', '--end-of-options', access.url, ...asked], {
    // In no repository, whose configuration would count.
    cwd: '/',
    signal,
    timeoutMs,
    protocols: access.protocols,
    env: access.env,
  })
  if (result.code !== 0) {
    throw explainGitFailure(result.stderr, `${access.url} can't be read`, access.url)
  }
  const commits = new Map<string, string>()
  let head: string | null = null
  for (const line of result.stdout.toString('utf8').split('\n')) {
    const [value = '', ref = ''] = line.split('\t')
    if (ref === 'HEAD' && value.startsWith('ref: ')) head = value.slice('ref: '.length)
    else if (/^[0-9a-f]{40,64}$/.test(value)) commits.set(ref, value)
  }
  return { head, commits }
}

async function defaultBranch(
  access: GitAccess,
  { head, commits }: ListedRefs,
  signal: AbortSignal,
): Promise<ResolvedRef> {
  const commit = commits.get('HEAD')
  const name = head?.startsWith('refs/heads/') === true ? head.slice('refs/heads/'.length) : 'HEAD'
  if (commit !== undefined) return { kind: 'branch', name, commit }
  if (await isWithoutRefs(access, signal)) throw nothingYet(access)
  throw new GitError(`${access.url} has no default branch: name the one that is meant`, true)
}

async function isWithoutRefs(access: GitAccess, signal: AbortSignal): Promise<boolean> {
  const { commits } = await listRefs(access, ['refs/*'], signal)
  return commits.size === 0
}

function nothingYet(access: GitAccess): GitError {
  return new GitError(`${access.url} is empty: it has no commit yet`, true)
}
