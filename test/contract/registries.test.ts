import type { ContainerRegistry } from '@slipway/contract/registries'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openRegistryLogin } from '../../packages/server/src/registries/index.ts'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import { dataOfTypes, madeCredential } from '../support/credentials.ts'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { startFaultRegistry } from '../support/fault-registry.ts'
import { createVaultApp } from '../support/vault-app.ts'

let test: Awaited<ReturnType<typeof createVaultApp>>
let server: DockerRegistry
let amazon: ReturnType<typeof createServer>
let amazonAnswers: RequestListener
let ecrEndpoint: string

beforeAll(async () => {
  amazon = createServer((request, response) => amazonAnswers(request, response)).listen(
    0,
    '127.0.0.1',
  )
  await once(amazon, 'listening')
  ecrEndpoint = `http://127.0.0.1:${(amazon.address() as AddressInfo).port}`
  server = await startDockerRegistry()
  test = await createVaultApp({}, { ecrEndpoint })
})
afterAll(async () => {
  await test?.close()
  await server?.close()
  amazon?.close()
})

const path = '/api/registries'
let serial = 0
const create = (body: object, token?: string) =>
  test.request('POST', path, {
    body: { name: `r-${++serial}`, ...body },
    ...(token === undefined ? {} : { token }),
  })
async function made(body: object): Promise<ContainerRegistry> {
  const answer = await create(body)
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json<{ registry: ContainerRegistry }>().registry
}
const generic = (more: object = {}) => ({
  registry_type: 'generic',
  registry_url: 'registry.example.org:5000',
  ...more,
})
const login = (data: object = {}) =>
  madeCredential(test, {
    credential_type: 'registry_generic',
    credential_data: {
      username: registryUser.username,
      password_or_token: registryUser.password,
      ...data,
    },
  })
const change = (id: number, body: object) => test.request('PUT', `${path}/${id}`, { body })
const tried = async (id: number) => (await test.request('POST', `${path}/${id}/test`)).json()
const show = async (id: number) => (await test.request('GET', `${path}/${id}`)).json().registry

describe('POST /api/registries', () => {
  it('registers one (201), and contacts nobody', async () => {
    const credential = await login()
    const body = generic({
      name: 'Ours',
      namespace: 'team/images',
      credential_id: credential.id,
      description: 'For builds',
    })
    const answer = await create(body)
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      {
        success: true,
        registry: {
          id: expect.any(Number),
          ...body,
          is_verified: false,
          verification_message: null,
          verified_at: null,
          archived: false,
          created_by: 'admin',
          created_at: expect.any(String),
          updated_at: expect.any(String),
        },
      },
    ])
    expect(answer.body).not.toContain(registryUser.password)
  })

  it.each([
    ['docker_hub', 'docker.io'],
    ['quay_io', 'quay.io'],
    ['github', 'ghcr.io'],
    ['gitlab', 'registry.gitlab.com'],
  ])('knows where %s is, and wants a namespace there', async (registry_type, registry_url) => {
    expect(await made({ registry_type, namespace: 'team' })).toMatchObject({ registry_url })
    const answer = await create({ registry_type })
    expect([answer.statusCode, answer.json().message]).toEqual([
      400,
      expect.stringContaining('/namespace is missing'),
    ])
  })

  it('takes an address as people write it', async () => {
    const { registry_url } = await made(generic({ registry_url: 'https://Registry.Example.org/' }))
    expect(registry_url).toBe('registry.example.org')
  })

  it('names all problems at once', async () => {
    const answer = await create({
      registry_type: 'docker_hub',
      registry_url: 'https://bob:hunter2@hub.test/x',
      namespace: 'Not A Name',
      credential_id: 999_999,
    })
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'Validation error'])
    for (const where of ['/registry_url must not hold', '/namespace must be', '/credential_id']) {
      expect(answer.json().message).toContain(where)
    }
    expect(answer.body).not.toContain('hunter2')
  })

  it.each([
    [{ registry_type: 'generic' }, 400, '/registry_url is missing'],
    [{ registry_type: 'aws_ecr' }, 400, '/registry_url is missing'],
    [{ registry_type: 'artifactory' }, 400, '/registry_type'],
    [{}, 400, 'registry_type'],
    [generic({ registry_url: 'registry.example.org/team' }), 400, 'namespace'],
    [generic({ registry_url: 'http://registry.example.org' }), 400, 'OCI_PLAIN_HTTP'],
    [generic({ credential_id: 999_999 }), 404, 'There is no credential 999999'],
    [generic({ password: 'hunter2' }), 400, 'password'],
    [generic({ name: '' }), 400, '/name'],
  ])('refuses %j', async (body, status, message) => {
    const answer = await create(body)
    expect([answer.statusCode, answer.json().message]).toEqual([
      status,
      expect.stringContaining(message),
    ])
  })

  it('refuses a name that is taken', async () => {
    const { name } = await made(generic())
    const answer = await create({ ...generic(), name })
    expect([answer.statusCode, answer.json()]).toEqual([
      409,
      {
        error: 'Resource already exists',
        message: `There is a registry with the name ${name} already`,
      },
    ])
  })

  it('takes credentials that are for it alone', async () => {
    const of = async (type: keyof typeof dataOfTypes) =>
      (await madeCredential(test, { credential_type: type, credential_data: dataOfTypes[type] })).id
    const hub = { registry_type: 'docker_hub', namespace: 'team' }
    await made({ ...hub, credential_id: await of('registry_docker_hub') })
    const fits = generic({ registry_url: 'registry.example.org' })
    const elsewhere = await of('registry_generic')
    await made({ ...fits, credential_id: elsewhere })
    const refused: [object, string][] = [
      [{ ...hub, credential_id: await of('git_https') }, 'not for registries'],
      [{ ...hub, credential_id: await of('registry_quay_io') }, 'registry_docker_hub'],
      [{ ...hub, credential_id: elsewhere }, 'https://registry.example.org, not for docker.io'],
      [generic({ credential_id: await of('registry_docker_hub') }), 'not for registry.example.org'],
    ]
    for (const [body, message] of refused) {
      const answer = await create(body)
      expect([answer.statusCode, answer.json().message]).toEqual([
        400,
        expect.stringContaining(message),
      ])
    }
  })
})

describe('GET and PUT /api/registries', () => {
  it('lists, shows and changes', async () => {
    const { id, name } = await made(generic())
    const list = (await test.request('GET', `${path}?name=${name}`)).json()
    expect(list).toMatchObject({ success: true, count: 1, registries: [{ id, name }] })
    const changed = (await change(id, { description: 'Another', namespace: 'a' })).json()
    expect(changed).toMatchObject({
      success: true,
      registry: { id, name, description: 'Another', namespace: 'a' },
    })
    expect(await show(id)).toEqual(changed.registry)
    const taken = await made(generic())
    expect((await change(id, { name: taken.name })).statusCode).toBe(409)
    expect((await change(id, {})).statusCode).toBe(400)
    // Nobody else's address stays with another type.
    const moved = (await change(id, { registry_type: 'github' })).json().registry
    expect(moved).toMatchObject({ registry_type: 'github', registry_url: 'ghcr.io' })
    expect((await change(id, { registry_url: 'a/b' })).statusCode).toBe(400)
  })

  it('answers 404 for what is not there', async () => {
    const requests = [
      test.request('GET', `${path}/999999`),
      change(999_999, { name: 'x' }),
      test.request('DELETE', `${path}/999999`),
      test.request('POST', `${path}/999999/test`),
    ]
    for (const answer of await Promise.all(requests)) {
      expect([answer.statusCode, answer.json()]).toEqual([
        404,
        { error: 'Resource not found', message: 'There is no registry 999999' },
      ])
    }
  })

  it('archives: out of the list, unless asked for', async () => {
    const { id, name } = await made(generic())
    expect((await change(id, { archived: true })).json().registry.archived).toBe(true)
    const count = async (query: string) =>
      (await test.request('GET', `${path}?name=${name}${query}`)).json().count
    expect([await count(''), await count('&archived=true')]).toEqual([0, 1])
    expect((await change(id, { archived: false })).json().registry.archived).toBe(false)
    expect(await count('')).toBe(1)
  })
})

describe('DELETE /api/registries/{id}', () => {
  it('deletes one that no build refers to', async () => {
    const { id } = await made(generic())
    const answer = await test.request('DELETE', `${path}/${id}`)
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { success: true, message: `Registry ${id} is deleted` },
    ])
    expect((await test.request('GET', `${path}/${id}`)).statusCode).toBe(404)
  })

  it('refuses while a build refers to it, until it is archived (409)', async () => {
    const { id, name } = await made(generic())
    const { rows } = await sql<{ id: number }>`
      insert into builds (steps_to_execute, repository_info, repository, output_type, registry_id,
        created_by, started_at)
      values ('{clone_repo}', '{}', 'acme/shop', 'docker_image', ${id}, 'admin', now())
      returning id`.execute(test.database.db)
    const refused = await test.request('DELETE', `${path}/${id}`)
    expect([refused.statusCode, refused.json()]).toEqual([
      409,
      {
        error: 'Resource in use',
        message: `The registry ${name} is used by the build ${rows[0]?.id}: archive it first`,
      },
    ])
    await change(id, { archived: true })
    expect((await test.request('DELETE', `${path}/${id}`)).statusCode).toBe(200)
  })

  it('keeps the credential that it uses (409)', async () => {
    const credential = await login()
    const { id, name } = await made(generic({ credential_id: credential.id }))
    const refused = await test.request('DELETE', `/api/credentials/${credential.id}`)
    expect([refused.statusCode, refused.json().message]).toEqual([
      409,
      `The credential is used by the registry ${name}`,
    ])
    await test.request('DELETE', `${path}/${id}`)
    const gone = await test.request('DELETE', `/api/credentials/${credential.id}`)
    expect(gone.statusCode).toBe(200)
  })
})

describe('POST /api/registries/{id}/test', () => {
  const here = (more: object = {}) => generic({ registry_url: server.host, ...more })

  it('logs in, and writes down that it could', async () => {
    const { id } = await made(here({ credential_id: (await login()).id }))
    const message = `http://${server.host} takes the login`
    expect(await tried(id)).toEqual({ success: true, is_verified: true, message })
    expect(await show(id)).toMatchObject({
      is_verified: true,
      verification_message: message,
      verified_at: expect.any(String),
    })
    // What was tried is no longer what is registered.
    const moved = (await change(id, { registry_url: '127.0.0.1:1' })).json().registry
    expect(moved).toMatchObject({ is_verified: false, verification_message: null })
    expect(await tried(id)).toMatchObject({
      is_verified: false,
      message: expect.stringContaining('there is no answer'),
    })
  })

  it('says that a login is wrong, or missing', async () => {
    const wrong = await login({ password_or_token: 'wrong' })
    const { id } = await made(here({ credential_id: wrong.id }))
    expect(await tried(id)).toMatchObject({ success: true, is_verified: false })
    expect(await show(id)).toMatchObject({
      is_verified: false,
      verification_message: expect.stringContaining('401'),
      verified_at: null,
    })
    const without = await made(here())
    expect((await tried(without.id)).message).toContain('wants a login')
  })

  it('is content with a registry that asks for none', async () => {
    const open = await startFaultRegistry()
    onTestFinished(() => open.close())
    const { id } = await made(generic({ registry_url: open.host }))
    expect(await tried(id)).toMatchObject({
      is_verified: true,
      message: expect.stringContaining('asks for no login'),
    })
  })

  it('gets a login from Amazon, and sends it to no other registry', async () => {
    const { id: credential_id } = await madeCredential(test, {
      credential_type: 'registry_aws_ecr',
      credential_data: dataOfTypes.registry_aws_ecr,
    })
    const ecr = { registry_type: 'aws_ecr', registry_url: server.host, credential_id }
    const answer = (proxyEndpoint: string) => {
      const { username, password } = registryUser
      const authorizationToken = Buffer.from(`${username}:${password}`).toString('base64')
      amazonAnswers = (_, response) =>
        response.end(JSON.stringify({ authorizationData: [{ authorizationToken, proxyEndpoint }] }))
    }
    const { id } = await made(ecr)
    answer(`http://${server.host}`)
    expect(await tried(id)).toMatchObject({ is_verified: true })
    answer('https://123.dkr.ecr.eu-central-1.amazonaws.com')
    expect(await tried(id)).toMatchObject({
      is_verified: false,
      message: expect.stringContaining(`not for ${server.host}`),
    })
  })
})

it('opens the login for whoever pushes', async () => {
  const { db } = test.database
  const deps = { db, vault: openVault([Buffer.alloc(32, 1)]), plainHttp: [] }
  const { id } = await made(generic({ credential_id: (await login()).id }))
  expect(await openRegistryLogin(deps, { registryId: id })).toEqual({
    ...registryUser,
    serverAddress: 'registry.example.org:5000',
  })
  const { id: anonymous } = await made(generic())
  expect(await openRegistryLogin(deps, { registryId: anonymous })).toBeNull()
  await expect(openRegistryLogin(deps, { registryId: 999_999 })).rejects.toMatchObject({
    code: 'resource_not_found',
  })
})

it('is read by viewers and managed by operators, with tokens for all repositories', async () => {
  const { id } = await made(generic())
  const status = async (token: string, method: 'GET' | 'DELETE', url: string) =>
    (await test.request(method, url, { token })).statusCode
  const viewer = await test.tokenFor(['viewer'])
  expect(await status(viewer, 'GET', path)).toBe(200)
  expect(await status(viewer, 'DELETE', `${path}/${id}`)).toBe(403)
  expect((await create(generic(), viewer)).statusCode).toBe(403)
  const limited = await test.tokenFor(['operator'], { repositories: ['acme/shop'] })
  expect(await status(limited, 'GET', path)).toBe(403)
  expect((await create(generic(), limited)).statusCode).toBe(403)
  const operator = await test.tokenFor(['operator'])
  expect((await create(generic(), operator)).statusCode).toBe(201)
  expect(await status(operator, 'DELETE', `${path}/${id}`)).toBe(200)
})
