import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A bare repository on this machine, with a checkout that commits to it as others would. */
export interface BareRepository {
  readonly directory: string
  readonly url: string
  /** Runs git in the bare repository. */
  git(...args: string[]): Promise<string>
  /** Commits files on top of the branch as it is there, without pushing; answers the commit. */
  prepare(files?: Record<string, string>): Promise<string>
  /** Pushes what was prepared. */
  push(): Promise<void>
  /** Both. */
  commit(files: Record<string, string>): Promise<string>
  /** The newest commit; empty: none. */
  head(): Promise<string>
  /** Messages of all commits, newest first. */
  messages(): Promise<string[]>
  remove(): Promise<void>
}

export async function createBareRepository(): Promise<BareRepository> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-gitops-'))
  const directory = join(root, 'ops.git')
  const checkout = join(root, 'checkout')
  const gitIn = async (cwd: string, args: string[], input?: string) => {
    const promise = run('git', ['-c', 'user.name=Ops', '-c', 'user.email=ops@x.test', ...args], {
      cwd,
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    })
    // Git may be done before it has read that there is nothing.
    promise.child.stdin?.on('error', () => undefined).end(input)
    return (await promise).stdout.trim()
  }
  await gitIn(root, ['init', '--quiet', '--bare', '--initial-branch=main', directory])
  await gitIn(root, ['init', '--quiet', '--initial-branch=main', checkout])
  let count = 0

  const git = (...args: string[]) => gitIn(directory, args)
  const head = () => git('rev-parse', '--verify', '--quiet', 'refs/heads/main').catch(() => '')
  const repository: BareRepository = {
    directory,
    url: `file://${directory}`,
    git,
    head,
    async prepare(files = { [`other/${++count}`]: String(count) }) {
      const base = await gitIn(checkout, ['rev-parse', '--verify', '--quiet', 'HEAD']).catch(
        () => '',
      )
      if (base === '' && (await head()) !== '') {
        await gitIn(checkout, ['fetch', '--quiet', directory, 'main'])
        await gitIn(checkout, ['reset', '--quiet', '--hard', 'FETCH_HEAD'])
      }
      for (const [path, content] of Object.entries(files)) {
        const blob = await gitIn(checkout, ['hash-object', '-w', '--stdin'], content)
        await gitIn(checkout, ['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`])
      }
      await gitIn(checkout, ['commit', '--quiet', '--allow-empty', '-m', 'A change of another’s'])
      return gitIn(checkout, ['rev-parse', 'HEAD'])
    },
    async push() {
      await gitIn(checkout, ['push', '--quiet', directory, 'HEAD:main'])
    },
    async commit(files) {
      if ((await head()) !== '') {
        await gitIn(checkout, ['fetch', '--quiet', directory, 'main'])
        await gitIn(checkout, ['reset', '--quiet', '--hard', 'FETCH_HEAD'])
      }
      const sha = await repository.prepare(files)
      await repository.push()
      return sha
    },
    async messages() {
      return (await git('log', '--format=%B%x00', 'main')).split('\0').map((text) => text.trim())
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3 }),
  }
  return repository
}
