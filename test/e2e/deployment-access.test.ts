import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlatformError } from '@slipway/contract/errors'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'
import { servePushes } from '../support/git-http-backend.ts'
import { type BareRepository, createBareRepository, setHook } from '../support/gitops-repository.ts'
import { startSshd } from '../support/sshd.ts'

// A GitOps repository that is reached by http and by ssh, with a stored credential.

let remote: BareRepository
beforeEach(async () => {
  remote = await createBareRepository()
})
afterEach(() => remote.remove())

async function start(env: Record<string, string>): Promise<DeploymentWorld> {
  const world = await createDeploymentWorld(env)
  onTestFinished(() => world.close())
  return world
}

async function store(world: DeploymentWorld, type: string, data: object): Promise<void> {
  const body = { name: 'ops', credential_type: type, credential_data: data }
  await world.server.json('POST', '/api/credentials', { body })
}

async function refusal(world: DeploymentWorld): Promise<PlatformError['error']> {
  const { id } = await world.release()
  const response = await world.server.request('POST', '/v1/deployments', {
    body: { release_id: id, environment: 'dev' },
  })
  expect(response.status).toBe(500)
  return ((await response.json()) as PlatformError).error
}

/** Everything that the server has written down about it. */
async function writtenDown(world: DeploymentWorld): Promise<string> {
  const clone = join(world.server.dataDir, 'gitops-clone.git')
  const left = await readdir(join(world.server.dataDir, 'git-access')).catch(() => [])
  expect(left).toEqual([])
  return [...world.server.output, await readFile(join(clone, 'config'), 'utf8')].join('\n')
}

describe('over http', () => {
  const login = { username: 'slipway', password: 'gitops:gehëim with spaces' }

  it('is pushed to with the stored password, which is nowhere else', async () => {
    const url = await servePushes(remote.directory, login)
    await remote.git('config', 'http.receivepack', 'true')
    const world = await start({ GITOPS_REPOSITORY_URL: url, GITOPS_CREDENTIAL: 'ops' })
    const { username, password } = login
    await store(world, 'git_https', { username, password_or_token: password })
    // What a process list shows while the commit is under way.
    await setHook(
      remote,
      'pre-receive',
      `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' > hook-processes`,
    )
    const made = await world.deploy((await world.release()).id)
    expect(await remote.head()).toBe(made.gitops_commit_sha)
    await world.reaches(made.id, 'active')
    const processes = await readFile(join(remote.directory, 'hook-processes'), 'utf8')
    expect(processes).toContain('push --porcelain')
    for (const text of [processes, await writtenDown(world)]) {
      expect(text).not.toContain('gitops:geh')
      expect(text).not.toContain(Buffer.from(`slipway:${password}`).toString('base64'))
    }
  })

  it('says that the password is wrong, and not what it is', async () => {
    const url = await servePushes(remote.directory, login)
    const world = await start({ GITOPS_REPOSITORY_URL: url, GITOPS_CREDENTIAL: 'ops' })
    await store(world, 'git_https', { username: 'slipway', password_or_token: 'another-pass' })
    const error = await refusal(world)
    expect(error).toMatchObject({ code: 'internal_error' })
    expect(error.message).toMatch(/Authentication failed|cannot be reached/)
    expect(JSON.stringify(error)).not.toContain('another-pass')
    expect(await writtenDown(world)).not.toContain('another-pass')
    expect(await remote.head()).toBe('')
  })

  it('says that there is no such credential', async () => {
    const url = await servePushes(remote.directory, login)
    const world = await start({ GITOPS_REPOSITORY_URL: url, GITOPS_CREDENTIAL: 'missing' })
    const error = await refusal(world)
    expect(error.message).toContain('missing')
    const list = await world.server.json<{ deployments: object[] }>('GET', '/v1/deployments')
    expect(list.deployments).toEqual([])
  })
})

describe('over ssh', () => {
  it('is pushed to with the stored key, and only where the host is the known one', async () => {
    const sshd = await startSshd()
    const url = sshd.url(remote.directory)
    const world = await start({ GITOPS_REPOSITORY_URL: url, GITOPS_CREDENTIAL: 'ops' })
    await store(world, 'git_ssh', {
      private_key: sshd.lockedKey,
      passphrase: sshd.passphrase,
      known_hosts: sshd.knownHost,
    })
    const made = await world.deploy((await world.release()).id)
    expect(await remote.head()).toBe(made.gitops_commit_sha)
    await world.reaches(made.id, 'active')
    await sshd.changeHostKey()
    const error = await refusal(world)
    expect(error.message).toMatch(/host key|identification|cannot be reached|did not take/i)
    expect(await remote.head()).toBe(made.gitops_commit_sha)
    const text = await writtenDown(world)
    expect(text).not.toContain(sshd.passphrase)
    expect(text).not.toContain(sshd.lockedKey.split('\n')[1])
  })
})
