// Workspaces on real repositories: where they may be, and that they go whatever was done to them.
import { execFile } from 'node:child_process'
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createMirrors } from '../../packages/server/src/git/index.ts'
import { makeWorkspace } from '../../packages/server/src/worker/workspace.ts'
import { createRepository } from '../support/git-repository.ts'

const run = promisify(execFile)
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-workspace-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const deps = (repository: string) => ({
  workDirectory: join(root, 'work'),
  cacheDirectory: join(root, 'cache'),
  control: {
    locateRepository: async () => ({
      ok: true as const,
      remote: { url: `file://${root}/remotes/${repository}.git` },
    }),
  },
  mirrors: createMirrors({
    directory: join(root, 'mirrors'),
    accessDirectory: join(root, 'access'),
  }),
})
const claim = { id: 'job', attempt: 1, workerId: 'worker' }
const make = (repository: string, commit: string, more: object = {}) =>
  makeWorkspace(
    deps(repository),
    {
      job: { repository, commit_sha: commit, trigger_type: 'manual', ...more },
      claim,
      name: 'one',
    },
    AbortSignal.timeout(20_000),
  )

it('checks a commit out, with a cache of the repository', async () => {
  const repository = await createRepository(join(root, 'remotes'), 'acme/shop')
  const workspace = await make('acme/shop', await repository.commit({ a: '1' }))
  expect(await readFile(join(workspace.directory, 'a'), 'utf8')).toBe('1')
  expect(workspace.cache).toBe(join(root, 'cache', 'branches', 'acme', 'shop'))
})

it.each([
  [{ trigger_type: 'pull_request' }, 'pull-requests'],
  [{ trigger_type: 'pull_request', trusted: false }, 'forks'],
])('lets what a pull request keeps be seen by its like alone: %j', async (more, folder) => {
  const repository = await createRepository(join(root, 'remotes'), 'acme/shop')
  const { cache } = await make('acme/shop', await repository.commit({ a: '1' }), more)
  expect(cache).toBe(join(root, 'cache', folder, 'acme', 'shop'))
})

it('leaves no workspace behind when there is no such commit', async () => {
  await createRepository(join(root, 'remotes'), 'acme/shop')
  await expect(make('acme/shop', 'a'.repeat(40))).rejects.toMatchObject({ permanent: true })
  expect(await readdir(join(root, 'work')).catch(() => [])).toEqual([])
})

it.each(['acme/.', 'acme/..', '../shop', '../..', 'a/b/c'])(
  'gives %s no cache, which would be that of others',
  async (repository) => {
    await expect(make(repository, 'a'.repeat(40))).rejects.toThrow('has no cache of its own')
    await expect(access(join(root, 'cache'))).rejects.toThrow('ENOENT')
  },
)

it('removes directories that their owner may not write', async () => {
  const directory = join(root, 'work')
  const inner = join(directory, 'module', 'inner')
  await mkdir(inner, { recursive: true })
  await writeFile(join(inner, 'file'), '')
  await chmod(inner, 0o000)
  await chmod(join(directory, 'module'), 0o555)
  const workspace = new URL('../../packages/server/src/worker/workspace.ts', import.meta.url)
  const script = `const { removeWorkspace } = await import('${workspace.href}')
    await removeWorkspace(${JSON.stringify(directory)})`
  const source = ['--conditions=@slipway/source', '--import', 'tsx']
  const node = [...source, '--input-type=module', '--eval', script]
  // Root may write everywhere; in a user namespace it is an owner like any other.
  const asOwner =
    process.getuid?.() === 0 ? ['unshare', '-U', '--map-user=1000', '--map-group=1000'] : ['env']
  const [command = '', ...args] = [...asOwner, process.execPath, ...node]
  await run(command, args)
  await expect(access(directory)).rejects.toThrow('ENOENT')
}, 30_000)
