import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createRepository, type TestRepository } from '../../../../test/support/git-repository.ts'
import { maintainMirror } from './maintain-mirror.ts'
import { createMirrors, type Mirrors } from './mirrors.ts'
import { runGit } from './run-git.ts'

let root: string
let repository: TestRepository
let mirrors: Mirrors
const signal = () => AbortSignal.timeout(20_000)

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-mirrors-'))
  repository = await createRepository(join(root, 'remotes'), 'acme/shop')
  mirrors = createMirrors({ directory: join(root, 'mirrors') })
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

const fetchFrom = (url: string, commit: string, stop = signal()) =>
  mirrors.fetchCommit({ url, commit }, stop)
const remote = () => `file://${repository.directory}`

describe('fetchCommit', () => {
  it('goes on behind a lock that a killed git left', async () => {
    const first = await repository.commit({ a: '1' })
    const { mirror } = await fetchFrom(remote(), first)
    await writeFile(join(mirror.directory, 'shallow.lock'), '')
    const second = await repository.commit({ a: '2' })
    expect((await fetchFrom(remote(), second)).sha).toBe(second)
    await expect(access(join(mirror.directory, 'shallow.lock'))).rejects.toThrow('ENOENT')
  })

  it('needs no remote for a commit that is here', async () => {
    const commit = await repository.commit({ a: '1' })
    await fetchFrom(remote(), commit)
    await rm(repository.directory, { recursive: true })
    const restarted = createMirrors({ directory: join(root, 'mirrors') })
    expect(await restarted.fetchCommit({ url: remote(), commit }, signal())).toMatchObject({
      sha: commit,
    })
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
