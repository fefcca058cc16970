import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readlink, rm, utimes, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { quietLog } from '../../../../../test/support/quiet-log.ts'
import { createEmbeddedStore } from './embedded-store.ts'
import {
  type CommitInput,
  createGitOpsRepository,
  type GitOpsRepository,
  type GitOpsRepositoryOptions,
} from './gitops-repository.ts'
import type { GitOpsStore } from './gitops-store.ts'

let root: string
let directory: string
let repository: GitOpsRepository
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-gitops-'))
  directory = join(root, 'gitops.git')
})
afterEach(async () => {
  await repository.close()
  await rm(root, { recursive: true, force: true, maxRetries: 3 })
})

async function open(
  options: Partial<GitOpsRepositoryOptions> = {},
  change: (store: GitOpsStore) => GitOpsStore = (store) => store,
): Promise<void> {
  const store = change(createEmbeddedStore({ directory, branch: 'main' }))
  repository = createGitOpsRepository(store, { lock: (work) => work(), log: quietLog, ...options })
  await repository.open()
}

let count = 0
function commit(over: Partial<CommitInput> = {}): Promise<string | null> {
  return repository.exclusively((turn) =>
    turn.commit({
      reads: [],
      change: async () => ({
        files: [{ path: 'a', content: String(++count) }],
        message: 'x',
        at: new Date(),
      }),
      prepared: async () => undefined,
      ...over,
    }),
  )
}

const git = async (...args: string[]) =>
  (await promisify(execFile)('git', ['-C', directory, ...args])).stdout.trim()
const head = () => git('rev-parse', 'refs/heads/main')

describe('the embedded repository', () => {
  it.each(['refs/heads/main.lock', 'refs/slipway/next.lock'])(
    'works on where a git that was killed has left %s',
    async (name) => {
      await open()
      await commit()
      const lock = join(directory, name)
      await writeFile(lock, '')
      const hourAgo = new Date(Date.now() - 3_600_000)
      await utimes(lock, hourAgo, hourAgo)
      expect(await commit()).toBe(await head())
    },
  )

  it('waits for a lock that somebody holds', async () => {
    await open()
    await commit()
    const lock = join(directory, 'refs/heads/main.lock')
    await writeFile(lock, '')
    const made = commit()
    setTimeout(() => void rm(lock), 300)
    expect(await made).toBe(await head())
  })

  it('is not tidied any more when it is closed', async () => {
    await open({ commitsPerTidying: 2 })
    // What takes a while to be packed.
    await writeFile(join(root, 'large'), randomBytes(48 * 1024 * 1024))
    await git('config', 'gc.autoPackLimit', '1')
    await git('update-ref', 'refs/keep/large', await git('hash-object', '-w', join(root, 'large')))
    await commit()
    await commit()
    const isPacking = async () =>
      (await readdir(join(directory, 'objects/pack'))).some((name) => /^\.?tmp/.test(name))
    await expect.poll(isPacking, { timeout: 10_000, interval: 5 }).toBe(true)
    await repository.close()
    expect(await processesIn(directory)).toEqual([])
  })
})

it('sends nothing for whoever has been told that it took too long', async () => {
  let sent = 0
  await open({ deadlineMs: 300 }, (store) => ({
    ...store,
    publish: (...args) => {
      sent += 1
      return store.publish(...args)
    },
  }))
  const made = repository.exclusively((turn) =>
    turn.commit({
      reads: [],
      change: async () => ({ files: [], message: 'x', at: new Date() }),
      prepared: async () => {
        if (!turn.signal.aborted) await once(turn.signal, 'abort')
      },
    }),
  )
  await expect(made).rejects.toMatchObject({ message: expect.stringContaining('within 0.3 s') })
  await repository.close()
  expect(sent).toBe(0)
})

/** Ids of processes that work in a directory. */
async function processesIn(path: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const places = await Promise.all(
    ids.map(async (id) => [id, await readlink(`/proc/${id}/cwd`).catch(() => '')] as const),
  )
  return places.flatMap(([id, place]) => (place === path ? [id] : []))
}
