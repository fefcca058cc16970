import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'

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
      const log = await git('log', '--format=%B%x00', 'main')
      return log.split('\0').flatMap((text) => text.trim() || [])
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3 }),
  }
  return repository
}

/** A hook of the repository that waits at its first run until it is let go. */
export interface BlockingHook {
  /** Resolves once a push has come that far. */
  reached(): Promise<void>
  letGo(): Promise<void>
}

/** Installs a hook, as a script for sh; null takes it away. */
export async function setHook(
  repository: BareRepository,
  name: 'pre-receive' | 'post-receive',
  script: string | null,
): Promise<void> {
  const path = join(repository.directory, 'hooks', name)
  if (script === null) return rm(path, { force: true })
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

/** `pre-receive`: before the branch has moved; `post-receive`: when it has, and nobody was told. */
export async function blockAt(
  repository: BareRepository,
  name: 'pre-receive' | 'post-receive',
): Promise<BlockingHook> {
  const flag = (word: string) => join(repository.directory, `hook-${word}`)
  await setHook(
    repository,
    name,
    `if [ -e hook-reached ]; then exit 0; fi
touch hook-reached
while [ ! -e hook-released ]; do sleep 0.05; done`,
  )
  return {
    reached: () =>
      expect.poll(() => existsSync(flag('reached')), { timeout: 15_000, interval: 10 }).toBe(true),
    letGo: () => writeFile(flag('released'), ''),
  }
}
