import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Repository } from '@slipway/contract/repositories'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { madeCredential } from '../support/credentials.ts'
import { serveGit } from '../support/git-http.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { startSshd } from '../support/sshd.ts'
import { createVaultApp } from '../support/vault-app.ts'

let test: Awaited<ReturnType<typeof createVaultApp>>
let repository: TestRepository
let commit: string
beforeAll(async () => void (test = await createVaultApp()))
afterAll(() => test.close())
beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-repositories-'))
  onTestFinished(() => rm(root, { recursive: true }))
  repository = await createRepository(root, 'acme/shop')
  commit = await repository.commit({ a: '1' })
  await repository.git('branch', 'release/1')
})

const path = '/api/repositories'
let serial = 0
const create = (body: object, token?: string) =>
  test.request('POST', path, {
    body: { name: `acme/r-${++serial}`, ...body },
    ...(token === undefined ? {} : { token }),
  })
async function made(body: object): Promise<Repository> {
  const answer = await create(body)
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json<{ repository: Repository }>().repository
}
const file = () => ({ repository_url: `file://${repository.directory}` })
const verify = async (id: number, body?: object) =>
  (await test.request('POST', `${path}/${id}/verify`, body === undefined ? {} : { body })).json<{
    success: boolean
    is_verified: boolean
    message: string
  }>()

describe('POST /api/repositories', () => {
  it('registers one (201), contacts it and says how it is', async () => {
    const answer = await create({ name: 'My Custom Fork', ...file(), description: 'Ours' })
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      success: true,
      repository: {
        id: expect.any(Number),
        name: 'My Custom Fork',
        ...file(),
        credential_id: null,
        default_branch: 'main',
        description: 'Ours',
        is_verified: true,
        verification_message: 'Reached: 2 branches',
        verified_at: expect.any(String),
        host_key_fingerprints: [],
        archived: false,
        created_by: 'admin',
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    })
  })

  it('registers one that cannot be reached, unverified and with the reason', async () => {
    const url = 'http://127.0.0.1:1/acme/shop.git'
    const unreachable = await made({ repository_url: url })
    expect(unreachable).toMatchObject({ is_verified: false, verified_at: null })
    expect(unreachable.verification_message).toContain(url)
    const denied = await made({
      repository_url: await serveGit(repository, { login: { username: 'a', password: 'b' } }),
    })
    expect(denied.verification_message).toContain('no access to it')
  })

  it('names all problems at once', async () => {
    const answer = await create({
      repository_url: 'https://bob:hunter2@git.test/x.git',
      default_branch: 'a..b',
      credential_id: 999_999,
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toBe('Validation error')
    for (const where of ['/repository_url must not hold', '/default_branch', '/credential_id']) {
      expect(answer.json().message).toContain(where)
    }
    expect(answer.body).not.toContain('hunter2')
  })

  it.each([
    [{ repository_url: 'ext::sh -c id' }, 400, 'Validation error'],
    [{ repository_url: '/etc' }, 400, 'Validation error'],
    [{}, 400, 'Validation error'],
    [
      { repository_url: 'https://git.test/x.git', credential_id: 999_999 },
      404,
      'Resource not found',
    ],
  ])('refuses %j', async (body, status, error) => {
    const answer = await create(body)
    expect([answer.statusCode, answer.json().error]).toEqual([status, error])
  })

  it('refuses a credential that is not for Git, and a name that is taken', async () => {
    const { id } = await madeCredential(test, {
      credential_type: 'registry_quay_io',
      credential_data: { username: 'bob', password: 'x' },
    })
    const wrong = await create({ ...file(), credential_id: id })
    expect(wrong.json().message).toContain('not for Git')
    const { name } = await made(file())
    const taken = await create({ name, ...file() })
    expect([taken.statusCode, taken.json()]).toEqual([
      409,
      {
        error: 'Resource already exists',
        message: `There is a repository with the name ${name} already`,
      },
    ])
  })

  it('takes file: URLs only where the server allows them', async () => {
    const strict = await createVaultApp({ allowFileRepositories: false })
    onTestFinished(() => strict.close())
    const body = { name: 'acme/shop', ...file() }
    const answer = await strict.request('POST', path, { body })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().message).toContain('SLIPWAY_ALLOW_FILE_REPOSITORIES')
  })
})

describe('GET, PUT and DELETE /api/repositories', () => {
  it('lists, shows, changes and deletes', async () => {
    const { id, name } = await made(file())
    const list = (await test.request('GET', `${path}?name=${encodeURIComponent(name)}`)).json()
    expect(list).toMatchObject({ success: true, count: 1, repositories: [{ id, name }] })
    const change = async (body: object) =>
      (await test.request('PUT', `${path}/${id}`, { body })).json()
    expect(await change({ description: 'Another' })).toMatchObject({
      success: true,
      repository: { description: 'Another', is_verified: true },
    })
    // Another place is contacted anew.
    const moved = await change({ repository_url: 'http://127.0.0.1:1/x.git' })
    expect(moved.repository).toMatchObject({ is_verified: false, description: 'Another' })
    expect(moved.repository.verification_message).toContain('127.0.0.1:1')
    const deleted = await test.request('DELETE', `${path}/${id}`)
    expect(deleted.json()).toEqual({ success: true, message: `Repository ${id} is deleted` })
    const gone = await test.request('GET', `${path}/${id}`)
    expect([gone.statusCode, gone.json()]).toEqual([
      404,
      { error: 'Resource not found', message: `There is no repository ${id}` },
    ])
  })

  it('shows the branches of the remote', async () => {
    const { id } = await made(file())
    const answer = (await test.request('GET', `${path}/${id}/branches`)).json()
    expect(answer).toEqual({
      success: true,
      branches: [
        { name: 'main', commit_sha: commit, is_default: true },
        { name: 'release/1', commit_sha: commit, is_default: false },
      ],
      count: 2,
    })
    const away = await made({ repository_url: 'http://127.0.0.1:1/x.git' })
    const refused = await test.request('GET', `${path}/${away.id}/branches`)
    expect([refused.statusCode, refused.json().error]).toEqual([503, 'Service unavailable'])
  })

  it('shows a token limited to repositories theirs alone', async () => {
    const mine = await made(file())
    const other = await made(file())
    const token = await test.tokenFor(['operator'], { repositories: [mine.name] })
    const list = (await test.request('GET', path, { token })).json()
    expect(list.repositories.map(({ id }: Repository) => id)).toEqual([mine.id])
    expect(list.count).toBe(1)
    for (const [method, url] of [
      ['GET', `${path}/${other.id}`],
      ['DELETE', `${path}/${other.id}`],
      ['GET', `${path}/${other.id}/branches`],
      ['POST', `${path}/${other.id}/verify`],
    ] as const) {
      expect((await test.request(method, url, { token })).statusCode, url).toBe(404)
    }
    expect((await create(file(), token)).statusCode).toBe(403)
    // Nor may it have a credential sent to a place of its choice.
    const { id } = await madeCredential(test, {
      credential_type: 'git_https',
      credential_data: { username: 'bob', password_or_token: 'x' },
    })
    const body = { repository_url: 'http://127.0.0.1:1/x.git', credential_id: id }
    expect((await test.request('PUT', `${path}/${mine.id}`, { body, token })).statusCode).toBe(403)
    const validate = `${path}/validate-url`
    expect((await test.request('POST', validate, { body, token })).statusCode).toBe(403)
  })

  it('gives a token limited to repositories no others under their names', async () => {
    const limited = await createVaultApp({
      gitBaseUrl: 'http://127.0.0.1:1',
      defaultCredential: 'server',
    })
    onTestFinished(limited.close)
    const token = await limited.tokenFor(['operator'], { repositories: ['acme/mine'] })
    const ask = async (repository_url: string) => {
      const body = { name: 'acme/mine', repository_url }
      return (await limited.request('POST', path, { body, token })).statusCode
    }
    expect(await ask('http://127.0.0.1:1/acme/others.git')).toBe(403)
    expect(await ask(file().repository_url)).toBe(403)
    expect(await ask('http://127.0.0.1:1/acme/mine.git')).toBe(201)
    for (const [repository_url, status] of [
      [file().repository_url, 403],
      ['http://127.0.0.1:1/acme/others.git', 403],
      ['http://127.0.0.1:2/acme/others.git', 200],
    ] as const) {
      const tried = { body: { repository_url }, token }
      const answer = await limited.request('POST', `${path}/validate-url`, tried)
      expect(answer.statusCode, repository_url).toBe(status)
    }
    const { repositories } = (await limited.request('GET', path)).json<{
      repositories: Repository[]
    }>()
    const change = async (body: object) =>
      (await limited.request('PUT', `${path}/${repositories[0]?.id}`, { body, token })).statusCode
    expect(await change({ repository_url: 'http://127.0.0.1:1/acme/others.git' })).toBe(403)
    expect(await change({ description: 'mine' })).toBe(200)
    expect(await change({ repository_url: 'http://127.0.0.1:2/acme/others.git' })).toBe(200)
  })

  it('lets viewers look, and only operators change', async () => {
    const [viewer, developer, operator] = await Promise.all(
      ['viewer', 'developer', 'operator'].map((role) => test.tokenFor([role])),
    )
    expect((await test.request('GET', path, { token: viewer ?? null })).statusCode).toBe(200)
    expect((await create(file(), developer)).statusCode).toBe(403)
    expect((await create(file(), operator)).statusCode).toBe(201)
  })
})

describe('POST /api/repositories/validate-url', () => {
  it('judges and tries a URL, and registers nothing', async () => {
    const before = (await test.request('GET', path)).json().count
    const validate = async (repository_url: string) =>
      (await test.request('POST', `${path}/validate-url`, { body: { repository_url } })).json()
    expect(await validate(`file://${repository.directory}`)).toEqual({
      success: true,
      is_valid: true,
      is_reachable: true,
      type: 'file',
      default_branch: 'main',
      message: 'The repository can be read',
    })
    expect(await validate('http://127.0.0.1:1/x.git')).toMatchObject({
      is_valid: true,
      is_reachable: false,
      type: 'http',
    })
    expect(await validate('ext::sh')).toMatchObject({
      success: true,
      is_valid: false,
      is_reachable: false,
      type: null,
    })
    expect((await test.request('GET', path)).json().count).toBe(before)
  })
})

describe('a repository behind SSH', () => {
  it('pins the host key of the first verification, and believes no other unasked', async () => {
    const sshd = await startSshd()
    const { id: credential_id } = await madeCredential(test, {
      credential_type: 'git_ssh',
      credential_data: { private_key: sshd.lockedKey, passphrase: sshd.passphrase },
    })
    const ssh = await made({ repository_url: sshd.url(repository.directory), credential_id })
    expect(ssh).toMatchObject({ is_verified: true, default_branch: 'main' })
    const key = Buffer.from(sshd.knownHost.split(' ')[2] ?? '', 'base64')
    const digest = createHash('sha256').update(key).digest('base64').replace(/=+$/, '')
    expect(ssh.host_key_fingerprints).toEqual([`SHA256:${digest}`])

    await sshd.changeHostKey()
    const refused = await verify(ssh.id)
    expect(refused).toMatchObject({ success: true, is_verified: false })
    expect(refused.message).toContain('another host key')
    expect(await verify(ssh.id)).toMatchObject({ is_verified: false })
    expect(await verify(ssh.id, { accept_new_host_key: true })).toMatchObject({ is_verified: true })
    expect(await verify(ssh.id)).toMatchObject({ is_verified: true })
    const now = (await test.request('GET', `${path}/${ssh.id}`)).json<{ repository: Repository }>()
    expect(now.repository.host_key_fingerprints).toHaveLength(1)
    expect(now.repository.host_key_fingerprints).not.toEqual(ssh.host_key_fingerprints)
    expect(await readdir(test.accessDirectory)).toEqual([])
  })

  it('believes the known_hosts of its credential alone, and pins nothing', async () => {
    const sshd = await startSshd()
    const credential = (known_hosts: string) =>
      madeCredential(test, {
        credential_type: 'git_ssh',
        credential_data: { private_key: sshd.key, known_hosts },
      })
    const repository_url = sshd.url(repository.directory)
    const right = await credential(sshd.knownHost)
    const good = await made({ repository_url, credential_id: right.id })
    expect(good).toMatchObject({ is_verified: true, host_key_fingerprints: [] })
    const wrong = await credential(`other.test ${sshd.knownHost.split(' ').slice(1).join(' ')}`)
    const bad = await made({ repository_url, credential_id: wrong.id })
    expect(bad.is_verified).toBe(false)
    expect(bad.verification_message).toContain('host key of the server is not known')
  })
})
