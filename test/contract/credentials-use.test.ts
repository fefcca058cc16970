import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  openGitAccess,
  openRegistryCredential,
} from '../../packages/server/src/credentials/index.ts'
import {
  openAwsKeys,
  openGitHub,
  openNpmToken,
} from '../../packages/server/src/compose/open-publisher-logins.ts'
import type { GitHub } from '../../packages/server/src/ports/github.ts'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import {
  credentialsPath as path,
  dataOfTypes,
  gitHttps as https,
  madeCredential,
} from '../support/credentials.ts'
import { serveGit } from '../support/git-http.ts'
import { createRepository } from '../support/git-repository.ts'
import { createVaultApp } from '../support/vault-app.ts'

let test: Awaited<ReturnType<typeof createVaultApp>>
let keys: { open: string; locked: string }
const ecr = { answer: (() => undefined) as RequestListener }
const passphrase = 'correct horse battery'

beforeAll(async () => {
  const amazon = createServer((request, response) => ecr.answer(request, response))
  amazon.listen(0, '127.0.0.1')
  await once(amazon, 'listening')
  const { port } = amazon.address() as AddressInfo
  test = await createVaultApp({}, { ecrEndpoint: `http://127.0.0.1:${port}` })
  const root = await mkdtemp(join(tmpdir(), 'slipway-keys-'))
  const key = async (name: string, secret: string) => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', secret, '-f', join(root, name)])
    return readFile(join(root, name), 'utf8')
  }
  keys = { open: await key('open', ''), locked: await key('locked', passphrase) }
  await rm(root, { recursive: true })
  return () => amazon.close()
})
afterAll(() => test.close())

const made = (body: object) => madeCredential(test, body)
const verify = async (id: number, body?: object) => {
  const answer = await test.request(
    'POST',
    `${path}/${id}/verify`,
    body === undefined ? {} : { body },
  )
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json<{ success: boolean; is_verified: boolean; message: string }>()
}

describe('POST /api/credentials/{id}/verify', () => {
  it('opens a private key', async () => {
    const ssh = (private_key: string, more = {}) => ({
      credential_type: 'git_ssh',
      credential_data: { private_key, ...more },
    })
    const good = await verify((await made(ssh(keys.locked, { passphrase }))).id)
    expect(good).toMatchObject({ success: true, is_verified: true })
    expect(good.message).toMatch(/SHA256:/)
    expect(await verify((await made(ssh(keys.open))).id)).toMatchObject({ is_verified: true })
    for (const body of [ssh(keys.locked, { passphrase: 'wrong' }), ssh(keys.locked)]) {
      const bad = await verify((await made(body)).id)
      expect(bad).toMatchObject({ success: true, is_verified: false })
      expect(bad.message).toContain('passphrase')
    }
    expect(await readdir(test.accessDirectory)).toEqual([])
  })

  it('logs in to a Git server, and says when it is not let in', async () => {
    const root = await mkdtemp(join(tmpdir(), 'slipway-verify-'))
    onTestFinished(() => rm(root, { recursive: true }))
    const repository = await createRepository(root, 'acme/shop')
    await repository.commit({ a: '1' })
    const url = await serveGit(repository, { login: { username: 'bob', password: 'hunter2' } })
    const good = await made(https())
    expect(await verify(good.id, { url })).toMatchObject({ is_verified: true })
    const wrong = { username: 'bob', password_or_token: 'guessed' }
    const bad = await verify((await made(https({ credential_data: wrong }))).id, { url })
    expect(bad.is_verified).toBe(false)
    expect(bad.message).toContain('access was denied')
    expect(bad.message).not.toContain('guessed')
    expect((await verify(good.id)).message).toContain('No repository uses it yet')
  })

  it.each(['Basic realm="registry"', 'bearer'])('logs in to a registry (%s)', async (challenge) => {
    const right = `Basic ${Buffer.from('bob:s3cret-f').toString('base64')}`
    const registry = createServer((request, response) => {
      const { port } = registry.address() as AddressInfo
      const isToken = request.url?.startsWith('/token?') === true
      const header =
        challenge === 'bearer'
          ? `Bearer realm="http://127.0.0.1:${port}/token",service="registry"`
          : challenge
      const allowed = request.headers.authorization === right && (challenge !== 'bearer' || isToken)
      response.writeHead(allowed ? 200 : 401, { 'www-authenticate': header }).end('{}')
    }).listen(0, '127.0.0.1')
    await once(registry, 'listening')
    onTestFinished(() => {
      registry.close().closeAllConnections()
    })
    const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
    const generic = (password_or_token: string) => ({
      credential_type: 'registry_generic',
      credential_data: { username: 'bob', password_or_token, registry_url: url },
    })
    expect(await verify((await made(generic('s3cret-f'))).id)).toMatchObject({ is_verified: true })
    const bad = await verify((await made(generic('wrong'))).id)
    expect(bad.is_verified).toBe(false)
    expect(bad.message).toContain('401')
  })

  it('asks Amazon for a login', async () => {
    const seen: string[] = []
    ecr.answer = (request, response) => {
      seen.push(String(request.headers.authorization), String(request.headers['x-amz-target']))
      const authorizationToken = Buffer.from('AWS:the-login').toString('base64')
      const proxyEndpoint = 'https://123.dkr.ecr.eu-central-1.amazonaws.com'
      response.end(JSON.stringify({ authorizationData: [{ authorizationToken, proxyEndpoint }] }))
    }
    const { id } = await made({
      credential_type: 'registry_aws_ecr',
      credential_data: dataOfTypes.registry_aws_ecr,
    })
    expect(await verify(id)).toMatchObject({ is_verified: true })
    expect(seen[0]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/ecr\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=[0-9a-f]{64}$/,
    )
    expect(seen.join()).not.toContain('s3cret-c')
    ecr.answer = (_request, response) =>
      response
        .writeHead(400)
        .end(JSON.stringify({ __type: 'UnrecognizedClientException', message: 'The token' }))
    const bad = await verify(id)
    expect(bad.is_verified).toBe(false)
    expect(bad.message).toContain('400 UnrecognizedClientException')
  })
})

describe('using a stored credential', () => {
  const deps = () => ({
    db: test.database.db,
    vault: openVault([Buffer.alloc(32, 1)]),
    accessDirectory: test.accessDirectory,
  })

  it('opens Git remotes and registries, by name', async () => {
    const { name } = await made(https())
    const url = 'https://git.test/x.git'
    const access = await openGitAccess(deps(), { url, credential: { name } })
    expect(access.env['SLIPWAY_GIT_PASSWORD']).toBe('hunter2')
    await access.close()
    const registry = await made({
      credential_type: 'registry_quay_io',
      credential_data: dataOfTypes.registry_quay_io,
    })
    expect(await openRegistryCredential(deps(), { ...registry, askedBy: null })).toEqual({
      username: 'bob',
      password: 's3cret-e',
      registryUrl: 'https://quay.io',
    })
    await expect(openRegistryCredential(deps(), { name, askedBy: null })).rejects.toThrow(
      /not for registries/,
    )
    await expect(
      openGitAccess(deps(), { url, credential: { name: registry.name } }),
    ).rejects.toThrow(/not for Git/)
  })

  it('says which is not there, has expired, or is under another key', async () => {
    const { id, name } = await made(https({ expires_at: '2099-01-01T00:00:00.000Z' }))
    const open = (over = {}) =>
      openGitAccess({ ...deps(), ...over }, { url: 'https://git.test/x.git', credential: { name } })
    await expect(open({ vault: openVault([Buffer.alloc(32, 2)]) })).rejects.toThrow(
      `The credential ${name} cannot be read`,
    )
    await test.database.pool.query(
      `update credentials set expires_at = '2020-01-01' where id = $1`,
      [id],
    )
    await expect(open()).rejects.toThrow(`The credential ${name} expired at 2020-01-01`)
    await test.request('DELETE', `${path}/${id}`)
    await expect(open()).rejects.toThrow(`There is no credential ${name}`)
  })
})

describe('a credential that a commit names', () => {
  const askedBy = 'acme/shop'
  const generic = (registry_url: string | null, repositories?: unknown) => ({
    credential_type: 'registry_generic',
    credential_data: {
      username: 'bob',
      password_or_token: 's3cret-f',
      ...(registry_url === null ? {} : { registry_url }),
    },
    ...(repositories === undefined ? {} : { metadata: { repositories } }),
  })
  const deps = () => ({ db: test.database.db, vault: openVault([Buffer.alloc(32, 1)]) })
  const refusal = (message: RegExp) => ({
    code: 'authorization_failed',
    message: expect.stringMatching(message) as string,
  })
  const nowhere = refusal(/may be sent nowhere that a commit of acme\/shop says/)
  const foreign = refusal(/is not for acme\/shop: its metadata.repositories does not name it/)

  it('goes nowhere of its choice, unless it is for that place or that repository', async () => {
    const login = async (body: object, by: string | null = askedBy) =>
      openRegistryCredential(deps(), { name: (await made(body)).name, askedBy: by })
    await expect(login(generic(null))).rejects.toMatchObject(nowhere)
    await expect(login(generic(null), null)).resolves.toMatchObject({ registryUrl: null })
    const url = 'https://registry.example.test'
    await expect(login(generic(url))).resolves.toMatchObject({ registryUrl: url })
    for (const repositories of [['acme/shop'], ['other/x', 'acme/*']]) {
      await expect(login(generic(null, repositories))).resolves.toMatchObject({ username: 'bob' })
    }
    for (const repositories of [[], ['acme/shop-2', 'acm/*', 'Acme/shop']]) {
      await expect(login(generic(url, repositories))).rejects.toMatchObject(foreign)
      await expect(login(generic(url, repositories), null)).resolves.toMatchObject({
        username: 'bob',
      })
    }
  })

  it('is no token of another npm registry, nor without TLS', async () => {
    const token = async (body: object, registry: string) =>
      openNpmToken(deps(), { name: (await made(body)).name, registry, askedBy })
    const own = generic('https://npm.example.test/team')
    for (const within of ['https://npm.example.test/team', 'https://npm.example.test/team/a']) {
      expect(await token(own, within)).toBe('s3cret-f')
    }
    for (const beside of [
      'http://npm.example.test/team',
      'https://npm.example.test',
      'https://npm.example.test/teammates',
      'https://npm.example.test.evil.test/team',
    ]) {
      await expect(token(own, beside)).rejects.toMatchObject(refusal(/is not for http/))
    }
    await expect(token(generic(null), 'https://evil.test')).rejects.toMatchObject(nowhere)
  })

  it('signs no requests to a bucket that it is not for', async () => {
    const keys = async (body: object, endpoint: string | null, by: string | null = askedBy) =>
      openAwsKeys(deps(), { name: (await made(body)).name, endpoint, askedBy: by })
    const aws = {
      credential_type: 'registry_aws_ecr',
      credential_data: dataOfTypes.registry_aws_ecr,
    }
    await expect(keys(aws, null)).rejects.toMatchObject(nowhere)
    const allowed = { ...aws, metadata: { repositories: ['acme/*'] } }
    expect(await keys(allowed, null)).toEqual({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 's3cret-c',
      sessionToken: 's3cret-d',
    })
    expect(await keys(aws, null, null)).toMatchObject({ accessKeyId: 'AKIDEXAMPLE' })
    const s3 = generic('https://s3.example.test')
    expect(await keys(s3, 'https://s3.example.test/')).toMatchObject({ accessKeyId: 'bob' })
    for (const endpoint of ['https://evil.test', null]) {
      await expect(keys(s3, endpoint)).rejects.toMatchObject(refusal(/is not for/))
    }
  })

  it('and that of the server itself, reach only its own releases on GitHub', async () => {
    const github = async (
      name: string | null,
      repository: string,
      by: string | null = askedBy,
    ): Promise<unknown> =>
      openGitHub(
        { credentials: deps(), apiUrl: 'http://127.0.0.1:1', own: {} as GitHub, version: '1' },
        { name, repository, askedBy: by },
      )
    const { name } = await made(https())
    for (const credential of [name, null]) {
      await expect(github(credential, 'Acme/Shop')).resolves.toBeDefined()
      await expect(github(credential, 'acme/other', null)).resolves.toBeDefined()
      await expect(github(credential, 'acme/other')).rejects.toMatchObject({
        code: 'authorization_failed',
      })
    }
    const allowed = await made(https({ metadata: { repositories: ['acme/shop'] } }))
    await expect(github(allowed.name, 'acme/other')).resolves.toBeDefined()
  })
})
