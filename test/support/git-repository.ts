import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A Git repository on this machine, as a server with a `file:` base URL finds it. */
export interface TestRepository {
  directory: string
  /** Commits the files (null removes one) on the branch and answers the commit. */
  commit(files: Record<string, string | null>, branch?: string): Promise<string>
  git(...args: string[]): Promise<string>
}

/** Makes `<base>/<name>.git`; `name` is owner/name. */
export async function createRepository(base: string, name: string): Promise<TestRepository> {
  const directory = join(base, `${name}.git`)
  await mkdir(directory, { recursive: true })
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.test']
    const { stdout } = await run('git', [...identity, ...args], {
      cwd: directory,
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    })
    return stdout.trim()
  }
  await git('init', '--quiet', '--initial-branch=main')
  return {
    directory,
    git,
    async commit(files, branch = 'main') {
      const current = await git('symbolic-ref', '--short', 'HEAD')
      if (current !== branch) await git('checkout', '--quiet', '-B', branch)
      for (const [path, content] of Object.entries(files)) {
        if (content === null) {
          await git('rm', '--quiet', '-r', path)
          continue
        }
        await mkdir(dirname(join(directory, path)), { recursive: true })
        await writeFile(join(directory, path), content)
        await git('add', '--force', path)
      }
      await git('commit', '--quiet', '--allow-empty', '--message', 'A change')
      return git('rev-parse', 'HEAD')
    },
  }
}

/** The least configuration that runs `steps` of one project in one phase. */
export function oneProject(steps: readonly object[], phase = 'test'): Record<string, string> {
  return {
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { [phase]: {} } }),
    '.forge/project.json': JSON.stringify({ name: 'app', phases: { [phase]: { steps } } }),
  }
}
