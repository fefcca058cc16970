import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { GitError, runGit } from '../../../git/index.ts'

/** A commit of another repository in a tree. */
export interface Submodule {
  /** In the tree, with `/` between its parts. */
  path: string
  commit: string
  /** As `.gitmodules` has it; null: it has nothing of it. */
  url: string | null
  /** What `.gitmodules` says about updating it, such as `none`; null: nothing. */
  update: string | null
}

/** The submodules of the commit that is checked out in `directory`, by path. */
export async function listSubmodules(directory: string, signal: AbortSignal): Promise<Submodule[]> {
  const settings = await readGitmodules(directory, signal)
  if (settings === null) return []
  const { stdout } = await git(['ls-files', '--stage', '-z'], directory, signal)
  const submodules: Submodule[] = []
  for (let from = 0; from < stdout.length;) {
    const end = stdout.indexOf(0, from)
    const entry = stdout.subarray(from, end)
    from = end + 1
    if (!entry.subarray(0, 7).equals(submoduleMode)) continue
    const tab = entry.indexOf(9)
    const raw = entry.subarray(tab + 1)
    const path = raw.toString('utf8')
    if (!Buffer.from(path).equals(raw)) {
      throw new GitError(`The path of a submodule is no UTF-8: ${JSON.stringify(path)}`, true)
    }
    const setting = settings.find((each) => each.path === path)
    submodules.push({
      path,
      commit: entry.toString('latin1', 7, 47),
      url: setting?.url ?? null,
      update: setting?.update ?? null,
    })
  }
  return submodules
}

const submoduleMode = Buffer.from('160000 ')

/** Null: there is none. It is read from the commit, where it is no link to anything. */
async function readGitmodules(directory: string, signal: AbortSignal) {
  const found = await lstat(join(directory, '.gitmodules')).catch(() => null)
  if (found === null) return null
  const args = ['config', '--blob', ':.gitmodules', '-z', '--list']
  const { stdout } = await git(args, directory, signal, 'Its .gitmodules cannot be read')
  const settings = new Map<string, { path?: string; url?: string; update?: string }>()
  for (const entry of stdout.toString('utf8').split('\0')) {
    const line = entry.indexOf('\n')
    const [, name = '', key = ''] =
      /^submodule\.([^]*)\.(path|url|update)$/.exec(entry.slice(0, line)) ?? []
    if (line < 0 || key === '') continue
    settings.set(name, { ...settings.get(name), [key]: entry.slice(line + 1) })
  }
  return [...settings.values()]
}

async function git(args: readonly string[], cwd: string, signal: AbortSignal, failure?: string) {
  const result = await runGit(args, { cwd, signal })
  if (result.code === 0) return result
  const [reason = ''] = result.stderr.trim().split('\n')
  throw new GitError(`${failure ?? `git ${args[0]} failed`}: ${reason}`, true)
}
