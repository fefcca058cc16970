import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createCredential,
  credentialsPath as path,
  dataOfTypes,
  gitHttps as https,
  madeCredential,
} from '../support/credentials.ts'
import { createVaultApp } from '../support/vault-app.ts'

let test: Awaited<ReturnType<typeof createVaultApp>>
let lockedKey: string
const passphrase = 'correct horse battery'

beforeAll(async () => {
  test = await createVaultApp()
  const root = await mkdtemp(join(tmpdir(), 'slipway-keys-'))
  const file = join(root, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file])
  lockedKey = await readFile(file, 'utf8')
  await rm(root, { recursive: true })
})
afterAll(() => test.close())

const create = (body: object) => createCredential(test, body)
const made = (body: object) => madeCredential(test, body)

describe('POST /api/credentials', () => {
  it('stores one (201), and shows all but what it holds', async () => {
    const answer = await create({
      name: 'github',
      ...https({ metadata: { team: 'web' }, expires_at: '2099-01-01T00:00:00.000Z' }),
    })
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      success: true,
      credential: {
        id: expect.any(Number),
        name: 'github',
        credential_type: 'git_https',
        metadata: { team: 'web' },
        expires_at: '2099-01-01T00:00:00.000Z',
        created_by: 'admin',
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    })
    for (const header of ['limit', 'remaining', 'reset']) {
      expect(answer.headers[`x-ratelimit-${header}`]).toBeDefined()
    }
  })

  it('takes every type, and never lets go of what it holds', async () => {
    const data = {
      ...dataOfTypes,
      git_ssh: { private_key: lockedKey, passphrase, known_hosts: 'git.test ssh-ed25519 AAAA' },
    }
    const bodies: string[] = []
    for (const [credential_type, credential_data] of Object.entries(data)) {
      const { id } = await made({ credential_type, credential_data })
      bodies.push((await test.request('GET', `${path}/${id}`)).body)
    }
    bodies.push((await test.request('GET', path)).body)
    const { rows } = await test.database.pool.query('select * from credentials')
    bodies.push(...rows.map((row) => JSON.stringify(row) + row.sealed.toString('latin1')))
    const everything = [...bodies, ...test.logged].join('\n')
    for (const secret of ['s3cret-', 'hunter2', passphrase, lockedKey.split('\n')[1] ?? '?']) {
      expect(everything).not.toContain(secret)
    }
  })

  it('names all problems at once', async () => {
    const answer = await create({
      name: '',
      credential_type: 'git_ssh',
      credential_data: { private_key: 'no key', passphrase: '', port: 22 },
      expires_at: 'tomorrow',
      colour: 'red',
    })
    expect(answer.statusCode).toBe(400)
    const { error, message, ...rest } = answer.json()
    expect(error).toBe('Validation error')
    expect(rest).toEqual({})
    for (const where of [
      '/name',
      '/credential_data/private_key',
      '/credential_data/passphrase',
      '/credential_data/port is not known here',
      '/expires_at',
      '/colour is not known here',
    ]) {
      expect(message).toContain(where)
    }
    expect(answer.body).not.toContain('no key')
  })

  it.each([
    [{}, 'credential_type is missing'],
    [{ credential_type: 'git_ftp', credential_data: {} }, 'must be one of git_https, git_ssh'],
    [{ credential_type: 'git_https', credential_data: {} }, '/credential_data/username is missing'],
    [https({ credential_data: { username: 'a\nb', password_or_token: 'x' } }), 'username'],
    [https({ expires_at: '2020-01-01T00:00:00Z' }), '/expires_at must be in the future'],
    [https({ metadata: [] }), '/metadata'],
    [https({ metadata: { repositories: 'acme/shop' } }), '/metadata/repositories must be a list'],
    [https({ metadata: { repositories: ['acme/shop', '*'] } }), '/metadata/repositories must be'],
    [
      https({ expires_at: '2020-01-01T00:00:00Z', metadata: { repositories: [1] } }),
      '/expires_at must be in the future; /metadata/repositories must be',
    ],
  ])('refuses %j', async (body, message) => {
    const answer = await create(body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({
      error: 'Validation error',
      message: expect.stringContaining(message),
    })
  })

  it('refuses a name that is taken, also of many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => create({ name: 'taken', ...https() })),
    )
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      201, 409, 409, 409, 409,
    ])
    const refused = answers.find(({ statusCode }) => statusCode === 409)
    expect(refused?.json()).toEqual({
      error: 'Resource already exists',
      message: 'There is a credential with the name taken already',
    })
  })
})

describe('GET, PUT and DELETE /api/credentials', () => {
  it('lists them with their count', async () => {
    const { id, name } = await made(https())
    const answer = await test.request('GET', `${path}?name=${name}`)
    expect(answer.json()).toEqual({
      success: true,
      credentials: [expect.objectContaining({ id, name })],
      count: 1,
    })
    const page = (await test.request('GET', `${path}?limit=1&offset=1`)).json()
    expect(page.credentials).toHaveLength(1)
    expect(page.count).toBeGreaterThan(1)
  })

  it('changes what is named, and the data as a whole', async () => {
    const { id } = await made(https({ metadata: { a: 1 } }))
    const change = (body: object) => test.request('PUT', `${path}/${id}`, { body })
    const named = await change({ name: `renamed-${id}`, expires_at: '2099-01-01T00:00:00.000Z' })
    expect(named.json()).toMatchObject({
      success: true,
      credential: { name: `renamed-${id}`, metadata: { a: 1 }, credential_type: 'git_https' },
    })
    const data = { username: 'eve', password_or_token: 'another' }
    expect((await change({ credential_type: 'git_https', credential_data: data })).statusCode).toBe(
      200,
    )
    for (const [body, message] of [
      [{ credential_data: data }, '/credential_type is missing'],
      [{ credential_type: 'registry_quay_io' }, 'cannot be changed'],
      [{ credential_type: 'git_https', credential_data: { username: 'x' } }, 'password_or_token'],
      [{}, 'fewer'],
      [{ name: 'taken' }, 'already'],
    ] as const) {
      const answer = await change(body)
      expect(answer.statusCode, answer.body).toBe(message === 'already' ? 409 : 400)
      expect(answer.json().message).toContain(message)
    }
  })

  it('deletes one, but not while a repository uses it', async () => {
    const { id } = await made(https())
    const body = {
      name: `uses-${id}`,
      repository_url: 'http://127.0.0.1:1/x.git',
      credential_id: id,
    }
    const repository = await test.request('POST', '/api/repositories', { body })
    expect(repository.statusCode).toBe(201)
    const refused = await test.request('DELETE', `${path}/${id}`)
    expect(refused.statusCode).toBe(409)
    expect(refused.json()).toEqual({
      error: 'Resource in use',
      message: `The credential is used by uses-${id}`,
    })
    await test.request('DELETE', `/api/repositories/${repository.json().repository.id}`)
    const deleted = await test.request('DELETE', `${path}/${id}`)
    expect(deleted.json()).toEqual({ success: true, message: `Credential ${id} is deleted` })
    const gone = await test.request('GET', `${path}/${id}`)
    expect(gone.statusCode).toBe(404)
    expect(gone.json()).toEqual({
      error: 'Resource not found',
      message: `There is no credential ${id}`,
    })
  })

  it.each(['0', '-1', 'x', '1.5', '2147483648'])('refuses the id %s', async (id) => {
    const answer = await test.request('GET', `${path}/${id}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toBe('Validation error')
  })

  it('answers in the words of the family also where there is no route, or no right', async () => {
    const nowhere = await test.request('GET', '/api/nowhere')
    expect([nowhere.statusCode, nowhere.json().error]).toEqual([404, 'Resource not found'])
    const method = await test.request('DELETE', path)
    expect([method.statusCode, method.json().error]).toEqual([405, 'Method not allowed'])
    const nobody = await test.request('GET', path, { token: null })
    expect([nobody.statusCode, nobody.json().error]).toEqual([401, 'Authentication failed'])
    for (const role of ['viewer', 'developer', 'approver']) {
      const answer = await test.request('GET', path, { token: await test.tokenFor([role]) })
      expect([answer.statusCode, answer.json().error]).toEqual([403, 'Permission denied'])
    }
    const limited = await test.tokenFor(['operator'], { repositories: ['acme/shop'] })
    for (const [verb, url] of [
      ['GET', path],
      ['POST', path],
    ] as const) {
      const body = verb === 'POST' ? { body: { name: 'limited', ...https() } } : {}
      expect((await test.request(verb, url, { token: limited, ...body })).statusCode).toBe(403)
    }
  })

  it('has these errors in the OpenAPI document, too', async () => {
    const { paths } = (await test.request('GET', '/openapi.json')).json()
    const { responses } = paths[path].post
    for (const status of ['400', '401', '403', '409', '429', '500']) {
      expect(responses[status].content['application/json'].schema, status).toEqual({
        $ref: '#/components/schemas/BuildApiError',
      })
    }
  })

  it('describes every type', async () => {
    const answer = (await test.request('GET', `${path}/types`)).json()
    expect(answer).toMatchObject({ success: true, count: 6 })
    const fields = Object.fromEntries(
      answer.credential_types.map(
        (type: { credential_type: string; fields: { name: string; required: boolean }[] }) => [
          type.credential_type,
          type.fields.map(({ name, required }) => `${name}${required ? '' : '?'}`),
        ],
      ),
    )
    expect(fields).toEqual({
      git_https: ['username', 'password_or_token'],
      git_ssh: ['private_key', 'passphrase?', 'known_hosts?'],
      registry_docker_hub: ['username', 'access_token'],
      registry_aws_ecr: [
        'aws_access_key_id',
        'aws_secret_access_key',
        'aws_session_token?',
        'region?',
      ],
      registry_quay_io: ['username', 'password'],
      registry_generic: ['username', 'password_or_token', 'registry_url?'],
    })
  })
})
