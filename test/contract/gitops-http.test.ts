// The embedded GitOps repository over git's smart HTTP.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'
import { temporaryDirectory } from '../support/run-cli.ts'

let world: DeploymentWorld
beforeAll(async () => {
  world = await createDeploymentWorld()
})
afterAll(() => world.close())

const run = promisify(execFile)
const git = (args: string[], cwd: string) =>
  run('git', args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: cwd,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
    },
  })

function address(token: string): string {
  const url = new URL('/git/gitops.git', world.server.url)
  url.username = 'anybody'
  url.password = token
  return url.href
}

const refs = '/git/gitops.git/info/refs?service=git-upload-pack'

describe('/git/gitops.git', () => {
  it('is cloned and pulled with a token as password', async () => {
    const release = await world.release({ aliases: [{ alias: 'v1.2.3', type: 'tag' }] })
    const first = await world.deploy(release.id)
    const directory = await temporaryDirectory()
    const token = await world.token(['viewer'])
    await git(['clone', '--quiet', address(token), 'clone'], directory)
    const clone = join(directory, 'clone')
    const head = async () => (await git(['rev-parse', 'HEAD'], clone)).stdout.trim()
    expect(await head()).toBe(first.gitops_commit_sha)
    const place = 'environments/staging/acme/shop/api'
    const pointer = await readFile(join(clone, place, 'release.yaml'), 'utf8')
    expect(pointer).toContain('kind: ReleasePointer')
    expect(pointer).toMatch(new RegExp(`^  release: "?${release.commit}"?$`, 'm'))
    expect(pointer).toContain('- v1.2.3')
    const manifests = await readFile(join(clone, place, 'manifests.yaml'), 'utf8')
    expect(manifests).toContain('image: example.com/api:1')

    const second = await world.deploy((await world.release()).id)
    for (const version of ['0', '1', '2']) {
      await git(['-c', `protocol.version=${version}`, 'fetch', '--quiet', 'origin'], clone)
    }
    await git(['merge', '--quiet', '--ff-only', 'origin/main'], clone)
    expect(await head()).toBe(second.gitops_commit_sha)
  })

  it.each(['0', '2'])('serves protocol version %s, shallow too', async (version) => {
    const directory = await temporaryDirectory()
    const args = ['-c', `protocol.version=${version}`, 'clone', '--quiet', '--depth', '1']
    await git([...args, address(world.server.token), 'shallow'], directory)
    const { stdout } = await git(['rev-list', '--count', 'HEAD'], join(directory, 'shallow'))
    expect(stdout.trim()).toBe('1')
  })

  it('asks for a password, and says in text what is wrong', async () => {
    const response = await world.server.request('GET', refs, { token: null })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
    expect(response.headers.get('content-type')).toContain('text/plain')
    expect(await response.text()).toContain('token')
    const directory = await temporaryDirectory()
    const clone = git(['clone', '--quiet', address('slw_wrong'), 'clone'], directory)
    await expect(clone).rejects.toThrow(/Authentication failed/)
  })

  it('is only for tokens that see every repository', async () => {
    const token = await world.token(['developer'], ['acme/shop'])
    const response = await world.server.request('GET', refs, { token })
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('limited to repositories')
  })

  it('cannot be pushed to', async () => {
    const directory = await temporaryDirectory()
    await git(['clone', '--quiet', address(world.server.token), 'clone'], directory)
    const clone = join(directory, 'clone')
    const identity = ['-c', 'user.name=x', '-c', 'user.email=x@x.test']
    await git([...identity, 'commit', '--quiet', '--allow-empty', '-m', 'mine'], clone)
    await expect(git(['push', '--quiet', 'origin', 'HEAD:main'], clone)).rejects.toThrow(/403/)
    const post = await world.server.request('POST', '/git/gitops.git/git-receive-pack')
    expect(post.status).toBe(404)
    const { stdout } = await git(['ls-remote', 'origin', 'main'], clone)
    expect(stdout).not.toContain((await git(['rev-parse', 'HEAD'], clone)).stdout.trim())
  })

  it('takes packed requests, and refuses what is no request of git’s', async () => {
    const ask = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
      fetch(new URL('/git/gitops.git/git-upload-pack', world.server.url), {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${world.server.token}`, ...headers },
      })
    const type = { 'content-type': 'application/x-git-upload-pack-request' }
    const request = '0014command=ls-refs\n00010009peel\n0000'
    const packed = await ask(gzipSync(request), {
      ...type,
      'content-encoding': 'gzip',
      'git-protocol': 'version=2',
    })
    expect(packed.status).toBe(200)
    expect(packed.headers.get('content-type')).toBe('application/x-git-upload-pack-result')
    expect(await packed.text()).toContain('refs/heads/main')
    const json = await ask('{}', { 'content-type': 'application/json' })
    expect(json.status).toBe(415)
  })

  it('keeps no place for clients that have gone before they are answered', async () => {
    const token = await world.token(['viewer'])
    const { hostname, port } = new URL(world.server.url)
    const ask = `GET ${refs} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`
    const sockets = Array.from({ length: 20 }, () => connect(Number(port), hostname))
    // Who it is cannot be found out until this is let go.
    const lock = await world.database.pool.connect()
    await lock.query('begin; lock table tokens in access exclusive mode')
    for (const socket of sockets) socket.write(ask)
    const waiting = async () => {
      const { rows } = await lock.query('select from pg_locks where not granted')
      return rows.length
    }
    await expect.poll(waiting, { timeout: 10_000 }).toBeGreaterThan(0)
    for (const socket of sockets) socket.resetAndDestroy()
    await lock.query('rollback')
    lock.release()
    // Looked up behind all of them.
    expect((await world.server.request('GET', refs, { token })).status).toBe(200)
  })

  it('shows what was deployed, and no commit that was only prepared', async () => {
    await world.deploy((await world.release()).id)
    const directory = await temporaryDirectory()
    for (const version of ['0', '2']) {
      const args = ['-c', `protocol.version=${version}`, 'ls-remote', address(world.server.token)]
      const { stdout } = await git(args, directory)
      const names = stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[1])
      expect(names).toEqual(['HEAD', 'refs/heads/main'])
    }
  })

  it('has nothing else, and writes no reading into the audit log', async () => {
    const other = await world.server.request('GET', '/git/other.git/info/refs')
    expect(other.status).toBe(404)
    const audit = await world.server.json<{ entries: { action: string }[] }>('GET', '/v1/audit')
    expect(JSON.stringify(audit)).not.toContain('git-upload-pack')
  })
})
