import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createRepository, type TestRepository } from '../../../../test/support/git-repository.ts'
import { serveGit } from '../../../../test/support/git-http.ts'
import { checkout } from './checkout.ts'
import { maintainMirror } from './maintain-mirror.ts'
import { GitError } from './git-error.ts'
import { type Mirror, mirrorOf } from './mirror.ts'
import { createMirrors, type Mirrors } from './mirrors.ts'
import { runGit } from './run-git.ts'

let root: string
let repository: TestRepository
let mirrors: Mirrors
const places = () => ({
  directory: join(root, 'mirrors'),
  accessDirectory: join(root, 'access'),
})
const signal = () => AbortSignal.timeout(20_000)

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-mirrors-'))
  repository = await createRepository(join(root, 'remotes'), 'acme/shop')
  mirrors = createMirrors({ ...places() })
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.git`
}

const answer = async (mirror: Mirror, sha: string) => ({ mirror, sha })
const fetchFrom = (url: string, commit: string, stop = signal()) =>
  mirrors.useCommit({ url, commit }, stop, answer)
const git = (mirror: Mirror, ...args: string[]) =>
  runGit(args, { cwd: mirror.directory, signal: signal() })
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
const remote = () => `file://${repository.directory}`

describe('useCommit', () => {
  it('goes on behind a lock that a killed git left', async () => {
    const first = await repository.commit({ a: '1' })
    const { mirror } = await fetchFrom(remote(), first)
    await writeFile(join(mirror.directory, 'shallow.lock'), '')
    const second = await repository.commit({ a: '2' })
    expect((await fetchFrom(remote(), second)).sha).toBe(second)
    await expect(access(join(mirror.directory, 'shallow.lock'))).rejects.toThrow('ENOENT')
  })

  it('leaves no lock behind when it is stopped in the middle of a download', async () => {
    const commit = await repository.commit({ a: '1' })
    const url = await serveGit(repository, { stall: true })
    const stop = new AbortController()
    const fetching = fetchFrom(url, commit, stop.signal)
    const lock = join(mirrorOf(join(root, 'mirrors'), url).directory, 'shallow.lock')
    await expect.poll(() => exists(lock), { timeout: 10_000 }).toBe(true)
    stop.abort()
    await expect(fetching).rejects.toThrow('git was stopped')
    await expect.poll(() => exists(lock), { timeout: 10_000 }).toBe(false)
  })

  it('fetches a commit again that has gone from the mirror', async () => {
    const commit = await repository.commit({ a: '1' })
    const { mirror } = await fetchFrom(remote(), commit)
    await git(mirror, 'update-ref', '-d', `refs/slipway/${commit}`)
    await git(mirror, 'prune', '--expire=now')
    const directory = join(root, 'checkout')
    await mirrors.useCommit({ url: remote(), commit }, signal(), (from, sha) =>
      checkout({ mirror: from, sha, directory }, signal()),
    )
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('1')
  })

  it('does what is wanted of a commit twice at most, and once when it is no fault of git', async () => {
    const commit = await repository.commit({ a: '1' })
    const tries = async (error: Error) => {
      let count = 0
      const failing = mirrors.useCommit({ url: remote(), commit }, signal(), async () => {
        count++
        throw error
      })
      await expect(failing).rejects.toBe(error)
      return count
    }
    expect(await tries(new GitError('gone', false))).toBe(2)
    expect(await tries(new Error('other'))).toBe(1)
  })

  it('keeps an abbreviated commit that its branch has left', async () => {
    const left = await repository.commit({ a: '1' })
    const { mirror } = await fetchFrom(remote(), left.slice(0, 12))
    await repository.git('checkout', '--quiet', '--orphan', 'other')
    const next = await repository.commit({ a: '2' }, 'other')
    await repository.git('branch', '--quiet', '-D', 'main')
    await fetchFrom(remote(), next.slice(0, 12))
    await git(mirror, 'prune', '--expire=now')
    expect(await git(mirror, 'cat-file', '-e', left)).toMatchObject({ code: 0 })
  })

  it('lets go of tidying a mirror for whoever waits for it', async () => {
    mirrors = createMirrors({ ...places(), fetchesPerMaintenance: 2 })
    const commits = []
    for (const a of ['1', '2', '3']) commits.push(await repository.commit({ a }))
    const [first = '', second = '', third = ''] = commits
    const { mirror } = await fetchFrom(remote(), first)
    // Nobody writes to it: gc hangs where it reads who else collects garbage.
    execFileSync('mkfifo', [join(mirror.directory, 'gc.pid')])
    const tidying = fetchFrom(remote(), second)
    const lock = join(mirror.directory, 'gc.pid.lock')
    await expect.poll(() => exists(lock), { timeout: 10_000 }).toBe(true)
    expect((await fetchFrom(remote(), third)).sha).toBe(third)
    expect((await tidying).sha).toBe(second)
  }, 30_000)

  it('removes the mirror unused for longest when there are too many, and makes it again', async () => {
    mirrors = createMirrors({ ...places(), maxMirrors: 1 })
    const other = await createRepository(join(root, 'remotes'), 'acme/other')
    const commit = await repository.commit({ a: '1' })
    const { mirror } = await fetchFrom(remote(), commit)
    await fetchFrom(`file://${other.directory}`, await other.commit({ b: '1' }))
    expect(await exists(mirror.directory)).toBe(true)
    await utimes(mirror.directory, 1, 1)
    await fetchFrom(`file://${other.directory}`, await other.commit({ b: '2' }))
    expect(await exists(mirror.directory)).toBe(false)
    expect((await fetchFrom(remote(), commit)).sha).toBe(commit)
  })

  it('needs no remote for a commit that is here', async () => {
    const commit = await repository.commit({ a: '1' })
    await fetchFrom(remote(), commit)
    await rm(repository.directory, { recursive: true })
    const restarted = createMirrors({ ...places() })
    const again = await restarted.useCommit({ url: remote(), commit }, signal(), answer)
    expect(again.sha).toBe(commit)
  })

  it('lets go at once when it is aborted, whether it fetches or waits for its turn', async () => {
    // A remote that takes every request and answers none.
    const url = await serve(() => undefined)
    const [running, waiting] = [new AbortController(), new AbortController()]
    const first = fetchFrom(url, 'a'.repeat(40), running.signal)
    const second = fetchFrom(url, 'b'.repeat(40), waiting.signal)
    waiting.abort()
    await expect(second).rejects.toThrow('git was stopped')
    running.abort()
    await expect(first).rejects.toThrow('git was stopped')
  })

  it('tries again what failed for a reason that may pass', async () => {
    const commit = await repository.commit({ a: '1' })
    await repository.git('update-server-info')
    let failures = 1
    const url = await serve((request, response) => {
      if (failures-- > 0) {
        response.writeHead(503).end()
        return
      }
      const path = new URL(request.url ?? '/', 'http://x').pathname.replace('/shop.git/', '')
      readFile(join(repository.directory, '.git', path)).then(
        (body) => response.end(body),
        () => response.writeHead(404).end(),
      )
    })
    // Served as plain files, which can't be fetched one commit at a time: all of it is.
    expect((await fetchFrom(url, commit)).sha).toBe(commit)
  })

  it('names the candidates of an abbreviation, and says that a repository is not there', async () => {
    await repository.commit({ a: '1' })
    await expect(fetchFrom(remote(), 'fffffff')).rejects.toMatchObject({ permanent: true })
    const missing = fetchFrom(`file://${root}/remotes/acme/none.git`, 'a'.repeat(40))
    await expect(missing).rejects.toMatchObject({ permanent: true })
  })
})

describe('maintainMirror', () => {
  it('goes on behind locks that a killed git left', async () => {
    const { mirror } = await fetchFrom(remote(), await repository.commit({ a: '1' }))
    await writeFile(join(mirror.directory, 'gc.pid.lock'), '')
    await maintainMirror(mirror.directory, new Set(), signal())
    expect(await readdir(join(mirror.directory, 'objects', 'pack'))).not.toEqual([])
  })

  it('keeps the newest commits and those in use, and lets the others go', async () => {
    const commits: string[] = []
    for (let n = 0; n < 53; n++) commits.push(await repository.commit({ a: `${n}` }))
    let directory = ''
    for (const commit of commits) ({ directory } = (await fetchFrom(remote(), commit)).mirror)
    const refs = async () => {
      const list = await runGit(['for-each-ref', '--format=%(refname)'], {
        cwd: directory,
        signal: signal(),
      })
      return list.stdout.toString().trim().split('\n').length
    }
    await maintainMirror(directory, new Set(commits), signal())
    expect(await refs()).toBe(53)
    await maintainMirror(directory, new Set(), signal())
    expect(await refs()).toBe(50)
  }, 60_000)
})
