import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { serveGit } from '../../../../test/support/git-http.ts'
import { createRepository, type TestRepository } from '../../../../test/support/git-repository.ts'
import { startSshd } from '../../../../test/support/sshd.ts'
import type { GitRemote } from './git-remote.ts'
import { listRemote } from './list-remote.ts'
import { createMirrors } from './mirrors.ts'
import { openRemote } from './open-remote.ts'

const unique = `hunter-${randomUUID()}`
const login = { username: 'bob', password: `${unique} $(touch x) '"%\\` }
const withPassword = { kind: 'password', ...login } as const

let root: string
let directory: string
let repository: TestRepository
let commit: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-access-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  directory = join(root, '100% access')
  repository = await createRepository(join(root, 'remotes'), 'acme/shop')
  commit = await repository.commit({ a: '1' })
})

async function list(remote: GitRemote & { learnHostKeys?: boolean }) {
  const access = await openRemote({ directory }, remote)
  try {
    const found = await listRemote(access, AbortSignal.timeout(20_000))
    return { ...found, hostKeys: await access.hostKeys() }
  } finally {
    await access.close()
    const left = await readdir(directory).catch(() => [])
    expect(left).toEqual([])
  }
}

/** Command lines of all processes of the machine. */
async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  return (await Promise.all(lines)).join('\n')
}

describe('a remote behind a user name and password', () => {
  it('is read with them, and its commits fetched, without their showing in any command line', async () => {
    const seen: string[] = []
    const url = await serveGit(repository, {
      login,
      onRequest: async () => void seen.push(await commandLines()),
    })
    expect(await list({ url, login: withPassword })).toMatchObject({
      defaultBranch: 'main',
      branches: [{ name: 'main', commitSha: commit }],
    })
    const mirrors = createMirrors({ directory: join(root, 'mirrors'), accessDirectory: directory })
    const mirror = await mirrors.useCommit(
      { url, login: withPassword, commit },
      AbortSignal.timeout(20_000),
      async (used) => used.directory,
    )
    expect(await readFile(join(mirror, 'config'), 'utf8')).not.toContain(unique)
    expect(seen.length).toBeGreaterThan(3)
    const all = seen.join('\n')
    // Git was among what ran.
    expect(all).toContain('ls-remote')
    expect(all).toContain('git-remote-http')
    expect(all).not.toContain(unique)
    expect(all).not.toContain(Buffer.from(`bob:${login.password}`).toString('base64'))
  })

  it('says that access was denied to the wrong password, for good and without showing it', async () => {
    const url = await serveGit(repository, { login })
    const wrong = list({ url, login: { ...withPassword, password: 'guessed-wrong' } })
    await expect(wrong).rejects.toMatchObject({ permanent: true })
    await expect(wrong).rejects.toThrow(/access was denied/)
    await expect(wrong).rejects.not.toThrow(/guessed-wrong/)
    await expect(list({ url })).rejects.toThrow(/no access to it/)
  })

  it('gets the password only where it is, not where it redirects to', async () => {
    const told: (string | undefined)[] = []
    const elsewhere = createServer((request, response) => {
      told.push(request.headers.authorization)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    }).listen(0, '127.0.0.1')
    await once(elsewhere, 'listening')
    const { port } = elsewhere.address() as AddressInfo
    const redirecting = createServer((request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${port}${request.url}` }).end()
    }).listen(0, '127.0.0.1')
    await once(redirecting, 'listening')
    onTestFinished(() => {
      for (const server of [elsewhere, redirecting]) server.close().closeAllConnections()
    })
    const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/shop.git`
    await expect(list({ url, login: withPassword })).rejects.toThrow(/no access/)
    expect(told.length).toBeGreaterThan(0)
    expect(told.every((authorization) => authorization === undefined)).toBe(true)
  })

  it('keeps what one credential fetched from who has none', async () => {
    const url = await serveGit(repository, { login })
    const mirrors = createMirrors({ directory: join(root, 'mirrors'), accessDirectory: directory })
    const fetch = (remote: Partial<GitRemote>) =>
      mirrors.useCommit({ url, commit, ...remote }, AbortSignal.timeout(20_000), async () => 'had')
    expect(await fetch({ login: withPassword, keptFor: 'credential 1' })).toBe('had')
    await expect(fetch({})).rejects.toThrow(/no access/)
  })

  it('does not take a key for a password, nor the other way round', async () => {
    const key = { kind: 'key', privateKey: '', passphrase: null } as const
    await expect(list({ url: 'https://git.test/x.git', login: key })).rejects.toThrow(/SSH key/)
    await expect(list({ url: 'ssh://git.test/x.git', login: withPassword })).rejects.toThrow(
      /user name and password/,
    )
  })
})

describe('a remote behind SSH', () => {
  it('is read with a key, with or without a passphrase', async () => {
    const sshd = await startSshd()
    const remote = { url: sshd.url(repository.directory), hostKeys: sshd.knownHost }
    const open = { kind: 'key', privateKey: sshd.key, passphrase: null } as const
    const locked = { kind: 'key', privateKey: sshd.lockedKey, passphrase: sshd.passphrase } as const
    const branches = [{ name: 'main', commitSha: commit }]
    expect(await list({ ...remote, login: open })).toMatchObject({ branches })
    expect(await list({ ...remote, login: locked })).toMatchObject({ branches })
    await expect(
      list({ ...remote, login: { ...locked, passphrase: 'guessed-wrong' } }),
    ).rejects.toThrow(/access was denied/)
    await expect(list({ ...remote, login: { ...locked, passphrase: null } })).rejects.toMatchObject(
      {
        permanent: true,
      },
    )
  })

  it('keeps key and passphrase out of command lines, and the key’s file to its owner', async () => {
    const sshd = await startSshd()
    const access = await openRemote(
      { directory },
      {
        url: sshd.url(repository.directory),
        hostKeys: sshd.knownHost,
        login: { kind: 'key', privateKey: sshd.lockedKey, passphrase: sshd.passphrase },
      },
    )
    const [files = ''] = await readdir(directory)
    expect((await stat(join(directory, files))).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, files, 'key'))).mode & 0o777).toBe(0o600)
    let done = false
    const listing = listRemote(access, AbortSignal.timeout(20_000)).finally(() => (done = true))
    let all = ''
    while (!done) all += await commandLines()
    await listing
    await access.close()
    expect(all).toContain('ls-remote')
    expect(all).toContain('IdentityFile')
    expect(all).not.toContain(sshd.passphrase)
    expect(all).not.toContain(sshd.lockedKey.split('\n')[1])
    expect(await readdir(directory)).toEqual([])
  })

  it('is refused when it shows another host key, or one that is not known', async () => {
    const sshd = await startSshd()
    const remote = {
      url: sshd.url(repository.directory),
      login: { kind: 'key', privateKey: sshd.key, passphrase: null },
    } as const
    const other = 'other.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVlsjdmM0KSJaCcJXgxAsvUYmw4W4iX'
    await expect(list({ ...remote, hostKeys: other })).rejects.toThrow(/host key .* is not known/)
    const { hostKeys } = await list({ ...remote, learnHostKeys: true })
    expect(hostKeys.trim()).toBe(sshd.knownHost)
    expect(await list({ ...remote, hostKeys })).toMatchObject({ defaultBranch: 'main' })
    await sshd.changeHostKey()
    for (const learnHostKeys of [false, true]) {
      const changed = list({ ...remote, hostKeys, learnHostKeys })
      await expect(changed).rejects.toThrow(/another host key/)
      await expect(changed).rejects.toMatchObject({ permanent: true })
    }
  })
})
