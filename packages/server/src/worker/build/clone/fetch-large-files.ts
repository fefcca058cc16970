import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { GitError, openRemote, runGit, withoutCredentials } from '../../../git/index.ts'
import type { CheckedOut, CloneDeps, Note } from './deps.ts'
import { relatedRemote } from './related-remote.ts'

/** What a file has in its place that is kept by Git LFS. */
const pointerStart = Buffer.from('version https://git-lfs.github.com/spec/')
/** What `git lfs install` writes: without it, files are fetched and pointers stay. */
const lfsSettings = {
  'filter.lfs.clean': 'git-lfs clean -- %f',
  'filter.lfs.smudge': 'git-lfs smudge -- %f',
  'filter.lfs.process': 'git-lfs filter-process',
  'filter.lfs.required': 'true',
  'lfs.skipdownloaderrors': 'false',
}
/** Longer than this no pointer is, by its specification. */
const mostPointerBytes = 1024

/**
 * Fetches the files of a checkout that Git LFS keeps, if there are any, from where its remote or its
 * `.lfsconfig` says (see `relatedRemote`). Without git-lfs on this machine, and for what the repository
 * itself leaves out, pointers stay in their places, and the log says so. A GitError says why they
 * cannot be had.
 */
export async function fetchLargeFiles(
  deps: Pick<CloneDeps, 'accessDirectory' | 'gitLfs'>,
  input: { tree: CheckedOut; note: Note; timeoutMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { tree, note, timeoutMs } = input
  const { directory, remote } = tree
  const of = tree.path === '' ? '' : ` of submodule ${tree.path}`
  const pointers = await countPointers(directory, signal)
  if (pointers === 0) return
  if (!(await deps.gitLfs(signal))) {
    await note(
      `Warning: git-lfs is not installed: ${count(pointers)}${of} that Git LFS keeps stay pointers`,
    )
    return
  }
  await requireNearby(tree, signal)
  await note(`Fetching ${count(pointers)}${of} that Git LFS keeps`)
  const access = await openRemote({ directory: deps.accessDirectory }, remote)
  try {
    const result = await runGit(['lfs', 'pull', 'origin'], {
      cwd: directory,
      signal,
      timeoutMs,
      protocols: access.protocols,
      env: withSettings(access.env, { ...lfsSettings, 'remote.origin.url': access.url }),
    })
    if (result.code !== 0) {
      const [reason = ''] = result.stderr
        .split('\n')
        .filter((line) => /error|fatal|denied/i.test(line))
      const told = withoutCredentials(reason === '' ? result.stderr.trim() : reason).slice(0, 500)
      throw new GitError(`What Git LFS keeps${of} cannot be fetched: ${told}`, true)
    }
  } finally {
    await access.close()
  }
  const left = await countPointers(directory, signal)
  if (left > 0) await note(`Warning: ${count(left)}${of} stay pointers, as .lfsconfig says`)
}

/** Whether git on this machine has LFS. */
export async function hasGitLfs(signal: AbortSignal): Promise<boolean> {
  return (await runGit(['lfs', 'version'], { cwd: '/', signal })).code === 0
}

async function countPointers(directory: string, signal: AbortSignal): Promise<number> {
  const { code, stdout, stderr } = await runGit(['ls-files', '-z', '--', ':(attr:filter=lfs)'], {
    cwd: directory,
    signal,
  })
  if (code !== 0) throw new GitError(`Files cannot be listed: ${stderr.trim().slice(0, 500)}`, true)
  let pointers = 0
  for (let from = 0; from < stdout.length;) {
    const end = stdout.indexOf(0, from)
    const path = Buffer.concat([Buffer.from(`${directory}/`), stdout.subarray(from, end)])
    if (await isPointer(path)) pointers += 1
    from = end + 1
  }
  return pointers
}

async function isPointer(path: Buffer): Promise<boolean> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  // A link, or what a sparse attribute names and is not there.
  const file = await open(path, flags).catch(() => null)
  if (file === null) return false
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > mostPointerBytes) return false
    const { buffer } = await file.read(Buffer.alloc(pointerStart.length), 0, pointerStart.length, 0)
    return buffer.equals(pointerStart)
  } finally {
    await file.close()
  }
}

/** Places that a repository may name itself, in `.lfsconfig`, are the same as those of its submodules. */
async function requireNearby(tree: CheckedOut, signal: AbortSignal): Promise<void> {
  const { stdout } = await runGit(
    [
      'config',
      '--file',
      '.lfsconfig',
      '-z',
      '--get-regexp',
      String.raw`(^lfs\.(push)?url|\.lfs(push)?url)$`,
    ],
    { cwd: tree.directory, signal },
  )
  for (const entry of stdout.toString('utf8').split('\0').filter(Boolean)) {
    const related = relatedRemote(tree.remote, entry.slice(entry.indexOf('\n') + 1))
    if (related.ok) continue
    throw new GitError(`What Git LFS keeps cannot be fetched: ${related.problem}`, true)
  }
}

function withSettings(
  env: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>>,
): Record<string, string> {
  const first = Number(env['GIT_CONFIG_COUNT'] ?? 0)
  const entries = Object.entries(settings)
  return {
    ...env,
    ...Object.fromEntries(
      entries.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${first + i}`, key],
        [`GIT_CONFIG_VALUE_${first + i}`, value],
      ]),
    ),
    GIT_CONFIG_COUNT: String(first + entries.length),
  }
}

function count(files: number): string {
  return files === 1 ? '1 file' : `${files} files`
}
