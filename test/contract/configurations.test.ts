import type { Configuration } from '@slipway/contract/configurations'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrandingApp, createBrandingApp } from '../support/branding-app.ts'

let test: BrandingApp
beforeAll(async () => void (test = await createBrandingApp()))
afterAll(() => test.close())

const path = '/api/configurations'
let serial = 0
const create = (body: object, token?: string) =>
  test.request('POST', path, {
    body: { name: `C ${++serial}`, ...body },
    ...(token === undefined ? {} : { token }),
  })
async function made(body: object = {}): Promise<Configuration> {
  const answer = await create(body)
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json<{ configuration: Configuration }>().configuration
}
const change = (id: number, body: object) => test.request('PUT', `${path}/${id}`, { body })

describe('POST /api/configurations', () => {
  it('makes one (201)', async () => {
    const body = {
      name: 'Production',
      description: 'Ours',
      settings: {
        'server.port': 8080,
        'server.tags': ['a', 'b'],
        theme: { dark: true, size: null },
      },
      targets: [
        { path: 'config/app.yaml', format: 'yaml' },
        { path: 'app.json', format: 'json' },
      ],
    }
    const answer = await create(body)
    expect(answer.statusCode, answer.body).toBe(201)
    expect(answer.json()).toEqual({
      success: true,
      configuration: {
        ...body,
        id: expect.any(Number),
        archived: false,
        created_by: 'admin',
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    })
  })

  it('needs a name only', async () => {
    expect(await made()).toMatchObject({ description: null, settings: {}, targets: [] })
  })

  it('names everything at once that cannot be merged', async () => {
    const env = await create({
      settings: { 'a.b': 1, 'no name': 'x', LIST: [1], NOTHING: null, GOOD: 'x', BAD: 'a\0' },
      targets: [
        { path: '../.env', format: 'env' },
        { path: 'a', format: 'env' },
        { path: 'a', format: 'env' },
      ],
    })
    expect([env.statusCode, env.json().error]).toEqual([400, 'Validation error'])
    for (const part of [
      '/targets/0/path must not hold the part ..',
      '/targets/2/path is there twice: a',
      '/settings/a.b is no name of an environment variable',
      '/settings/no name is no name of an environment variable',
      '/settings/LIST must be a text, a number or a boolean for env',
      '/settings/NOTHING must be a text, a number or a boolean for env',
      '/settings/BAD must not hold NUL',
    ]) {
      expect(env.json().message).toContain(part)
    }
    expect(env.json().message).not.toContain('GOOD')
    const others = await create({
      settings: {
        'a..b': 1,
        'x.__proto__.y': 1,
        deep: { constructor: { ok: 1 } },
        none: [null],
        'v.w': 1,
        v: 2,
        'same.key': 1,
        same: { key: 2 },
      },
      targets: [{ path: 'a.toml', format: 'toml' }],
    })
    for (const part of [
      '/settings/a..b has an empty key',
      '/settings/x.__proto__.y must not hold the key __proto__',
      '/settings/none holds null, which toml does not have',
      '/settings sets v, and v.w below it',
      '/settings sets same.key twice',
    ]) {
      expect(others.json().message).toContain(part)
    }
    expect(others.json().message).not.toContain('constructor')
  })

  it.each<[object, string]>([
    [{ name: '' }, '/name'],
    [{ unknown: 1 }, '/unknown'],
    [{ settings: [] }, '/settings'],
    [{ targets: [{ path: 'a' }] }, '/targets/0/format'],
    [{ targets: [{ path: 'a', format: 'ini' }] }, '/targets/0/format'],
    [{ targets: [{ path: '', format: 'env' }] }, '/targets/0/path'],
    [
      { targets: Array.from({ length: 21 }, (_, at) => ({ path: `${at}`, format: 'env' })) },
      '/targets',
    ],
    [{ settings: { A: 'x'.repeat(600_000) } }, '/settings is larger than 524288 bytes'],
    [
      { settings: { a: JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`) as unknown } },
      '/settings is nested deeper than 50',
    ],
  ])('refuses what %#', async (body, part) => {
    const answer = await create(body)
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'Validation error'])
    expect(answer.json().message).toContain(part)
  })

  it('takes a list of any length that is not too large', async () => {
    const LIST = Array.from({ length: 200_000 }, () => 0)
    const answer = await create({
      settings: { LIST },
      targets: [{ path: 'a.json', format: 'json' }],
    })
    expect(answer.statusCode, answer.body.slice(0, 200)).toBe(201)
  })

  it('refuses a name that is taken', async () => {
    const { name } = await made()
    const answer = await create({ name })
    expect([answer.statusCode, answer.json()]).toEqual([
      409,
      {
        error: 'Resource already exists',
        message: `There is a configuration with the name ${name} already`,
      },
    ])
  })
})

describe('GET, PUT and DELETE /api/configurations', () => {
  it('lists, shows and changes', async () => {
    const configuration = await made({ settings: { A: '1' } })
    const { id, name } = configuration
    const list = (await test.request('GET', `${path}?name=${encodeURIComponent(name)}`)).json()
    expect(list).toEqual({ success: true, configurations: [configuration], count: 1 })
    const shown = (await test.request('GET', `${path}/${id}`)).json()
    expect(shown).toEqual({ success: true, configuration })
    const changed = (await change(id, { settings: { B: '2' }, description: 'x' })).json()
    expect(changed.configuration).toMatchObject({
      settings: { B: '2' },
      description: 'x',
      targets: [],
    })
    // Settings and targets have to fit each other, whichever of them is changed.
    const yaml = [{ path: 'a.yaml', format: 'yaml' }]
    expect((await change(id, { settings: { 'a.b': 1 } })).statusCode).toBe(400)
    expect((await change(id, { settings: { 'a.b': 1 }, targets: yaml })).statusCode).toBe(200)
    const unfit = await change(id, { targets: [] })
    expect(unfit.json().message).toContain('/settings/a.b is no name')
    expect((await change(id, {})).statusCode).toBe(400)
    const other = await made()
    const taken = await change(other.id, { name })
    expect([taken.statusCode, taken.json().error]).toEqual([409, 'Resource already exists'])
  })

  it('refuses a change to what somebody else has changed since', async () => {
    const { id, name, updated_at } = await made({ settings: { A: '1' } })
    const first = await change(id, { settings: { A: '2' }, unchanged_since: updated_at })
    expect(first.statusCode).toBe(200)
    const now = first.json<{ configuration: Configuration }>().configuration.updated_at
    const second = await change(id, { settings: { A: '3' }, unchanged_since: updated_at })
    expect([second.statusCode, second.json()]).toEqual([
      409,
      {
        error: 'Resource changed',
        message: `The configuration ${name} was changed at ${now}, by somebody else`,
      },
    ])
    const kept = (await test.request('GET', `${path}/${id}`)).json()
    expect(kept.configuration.settings).toEqual({ A: '2' })
    const third = await change(id, { settings: { A: '3' }, unchanged_since: now })
    expect(third.statusCode).toBe(200)
  })

  it('has those archived in the list only where they are asked for', async () => {
    const { id } = await made()
    const ids = async (query: string) =>
      (await test.request('GET', path + query))
        .json<{ configurations: Configuration[] }>()
        .configurations.map((one) => one.id)
    expect((await change(id, { archived: true })).json().configuration.archived).toBe(true)
    expect(await ids('')).not.toContain(id)
    const all = await ids('?archived=true')
    expect(all).toContain(id)
    expect(await ids('?archived=true&limit=1&offset=1')).toEqual([all[1]])
    expect((await change(id, { archived: false })).json().configuration.archived).toBe(false)
    expect(await ids('')).toContain(id)
    for (const query of ['?limit=101', '?archived=x', '?other=1']) {
      expect((await test.request('GET', path + query)).statusCode, query).toBe(400)
    }
  })

  it('deletes one that no build refers to, or that is archived', async () => {
    const { id, name } = await made()
    const { id: build } = await test.database.db
      .insertInto('builds')
      .values({
        steps_to_execute: ['clone_repo', 'apply_config'],
        repository_info: '{}',
        repository: 'acme/shop',
        output_type: 'zip',
        configuration_id: id,
        created_by: 'admin',
        started_at: new Date(),
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    expect((await test.request('GET', `${path}/${id}/usage`)).json()).toEqual({
      success: true,
      builds: 1,
      at_least: false,
      last_build_id: build,
    })
    const unused = await made()
    expect((await test.request('GET', `${path}/${unused.id}/usage`)).json()).toMatchObject({
      builds: 0,
      last_build_id: null,
    })
    const refused = await test.request('DELETE', `${path}/${id}`)
    expect([refused.statusCode, refused.json()]).toEqual([
      409,
      {
        error: 'Resource in use',
        message: `The configuration ${name} is used by the build ${build}: archive it first`,
      },
    ])
    await change(id, { archived: true })
    const deleted = await test.request('DELETE', `${path}/${id}`)
    expect(deleted.json()).toEqual({ success: true, message: `Configuration ${id} is deleted` })
    for (const [method, body] of [
      ['GET', undefined],
      ['DELETE', undefined],
      ['PUT', { name: 'x' }],
    ] as const) {
      const gone = await test.request(method, `${path}/${id}`, body === undefined ? {} : { body })
      expect([gone.statusCode, gone.json()]).toEqual([
        404,
        { error: 'Resource not found', message: `There is no configuration ${id}` },
      ])
    }
  })

  it('lets viewers look, and only operators change; is not for tokens limited to repositories', async () => {
    const { id } = await made()
    const status = async (method: 'GET' | 'DELETE', token: string) =>
      (await test.request(method, `${path}/${id}`, { token })).statusCode
    expect(await status('GET', await test.tokenFor(['viewer']))).toBe(200)
    expect((await create({}, await test.tokenFor(['developer']))).statusCode).toBe(403)
    expect((await create({}, await test.tokenFor(['operator']))).statusCode).toBe(201)
    const limited = await test.tokenFor(['operator'], { repositories: ['acme/shop'] })
    expect(await status('GET', limited)).toBe(403)
    expect(await status('DELETE', limited)).toBe(403)
    expect((await create({}, limited)).statusCode).toBe(403)
  })
})
