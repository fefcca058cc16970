import type { BrandingTemplate } from '@slipway/contract/branding'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrandingApp, createBrandingApp, templatesPath } from '../support/branding-app.ts'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

let test: BrandingApp
beforeAll(async () => void (test = await createBrandingApp()))
afterAll(() => test.close())

let serial = 0
const create = (body: object, token?: string) =>
  test.request('POST', templatesPath, {
    body: { name: `T ${++serial}`, ...body },
    ...(token === undefined ? {} : { token }),
  })
const change = (id: number, body: object) => test.request('PUT', `${templatesPath}/${id}`, { body })
const rule = (over: object) => ({ pattern: 'Open WebUI', replacement: 'Acme', ...over })

describe('POST /api/branding/templates', () => {
  it('makes one (201)', async () => {
    const answer = await create({
      name: 'Acme',
      description: 'Ours',
      brand_name: 'Acme Chat',
      replacement_rules: [
        rule({ use_regex: true, files: ['*.html', 'src/**/*.{ts,js}'] }),
        { pattern: '(\\w+)@(?P<host>x)', replacement: '$1 ${host} $0 $$', use_regex: true },
        { pattern: 'a(b', replacement: '$9' },
      ],
    })
    expect(answer.statusCode, answer.body).toBe(201)
    expect(answer.json()).toEqual({
      success: true,
      template: {
        id: expect.any(Number),
        name: 'Acme',
        description: 'Ours',
        brand_name: 'Acme Chat',
        replacement_rules: [
          rule({ use_regex: true, files: ['*.html', 'src/**/*.{ts,js}'] }),
          { pattern: '(\\w+)@(?P<host>x)', replacement: '$1 ${host} $0 $$', use_regex: true },
          { pattern: 'a(b', replacement: '$9', use_regex: false },
        ],
        assets: [],
        archived: false,
        created_by: 'admin',
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    })
  })

  it('needs a name only', async () => {
    const { template } = (await create({})).json<{ template: BrandingTemplate }>()
    expect(template).toMatchObject({ description: null, brand_name: null, replacement_rules: [] })
  })

  it('names all that is wrong with rules at once, and where in a pattern it is', async () => {
    const answer = await create({
      replacement_rules: [
        { pattern: 'ab(c', replacement: '', use_regex: true },
        { pattern: 'fine', replacement: '', use_regex: true, files: ['[', '{a', 'a/'] },
        { pattern: '(?<=x)y', replacement: '', use_regex: true },
        { pattern: '(x)\n(y', replacement: '', use_regex: true },
        { pattern: '(x)', replacement: '$2 ${name} $1', use_regex: true },
        { pattern: '((a{100}){100}){100}', replacement: '', use_regex: true },
        { pattern: 'x', replacement: '$0'.repeat(21), use_regex: true },
      ],
    })
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'Validation error'])
    const { message } = answer.json<{ message: string }>()
    for (const part of [
      '/replacement_rules/0/pattern is not a valid regular expression: unclosed group at position 3',
      '/replacement_rules/1/files/0 has a [ that is not closed',
      '/replacement_rules/1/files/1 has a { that is not closed',
      '/replacement_rules/1/files/2 names no file',
      '/replacement_rules/2/pattern is not a valid regular expression: look-around',
      'at line 2, position 1',
      '/replacement_rules/4/replacement names the group 2, which the pattern does not have',
      '/replacement_rules/4/replacement names the group name',
      '/replacement_rules/5/pattern is too large once its repetitions are written out',
      '/replacement_rules/6/replacement names groups more than 20 times',
    ]) {
      expect(message).toContain(part)
    }
  })

  it.each([
    [{ name: '' }, '/name'],
    [{ name: 'x'.repeat(101) }, '/name'],
    [{ name: null }, '/name'],
    [{ unknown: 1 }, '/unknown'],
    [{ replacement_rules: [{ pattern: '', replacement: '' }] }, '/replacement_rules/0/pattern'],
    [{ replacement_rules: [{ pattern: 'x' }] }, '/replacement_rules/0/replacement'],
    [{ replacement_rules: [rule({ regex: true })] }, '/replacement_rules/0/regex'],
    [{ replacement_rules: [rule({ pattern: 'a\0' })] }, '/replacement_rules/0/pattern'],
    [{ replacement_rules: Array.from({ length: 201 }, () => rule({})) }, '/replacement_rules'],
    [{ brand_name: 'x'.repeat(201) }, '/brand_name'],
  ])('refuses %j', async (body, path) => {
    const answer = await create(body)
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'Validation error'])
    expect(answer.json().message).toContain(path)
  })

  it('refuses a name that is taken', async () => {
    await create({ name: 'Taken' })
    const answer = await create({ name: 'Taken' })
    expect([answer.statusCode, answer.json()]).toEqual([
      409,
      {
        error: 'Resource already exists',
        message: 'There is a branding template with the name Taken already',
      },
    ])
  })
})

describe('GET, PUT and DELETE /api/branding/templates', () => {
  it('lists, shows and changes', async () => {
    const { id, name } = await test.template({ brand_name: 'One', replacement_rules: [rule({})] })
    const asset = await test.asset(id)
    const list = (
      await test.request('GET', `${templatesPath}?name=${encodeURIComponent(name)}`)
    ).json()
    expect(list).toMatchObject({
      success: true,
      count: 1,
      templates: [{ id, name, assets: [asset] }],
    })
    const shown = (await test.request('GET', `${templatesPath}/${id}`)).json()
    expect(shown).toEqual({ success: true, template: list.templates[0] })
    const changed = (await change(id, { brand_name: 'Two' })).json()
    expect(changed.template).toMatchObject({
      brand_name: 'Two',
      replacement_rules: [rule({ use_regex: false })],
      assets: [asset],
    })
    const emptied = (await change(id, { replacement_rules: [], description: null })).json()
    expect(emptied.template.replacement_rules).toEqual([])
    expect((await change(id, {})).statusCode).toBe(400)
    const bad = await change(id, { replacement_rules: [rule({ pattern: '(', use_regex: true })] })
    expect(bad.json().message).toContain('/replacement_rules/0/pattern')
    const other = await test.template()
    const taken = await change(other.id, { name })
    expect([taken.statusCode, taken.json().error]).toEqual([409, 'Resource already exists'])
  })

  it('refuses a change to what somebody else has changed since', async () => {
    const { id, name, updated_at } = await test.template({ brand_name: 'One' })
    // What is beside it is no change of it.
    await test.asset(id)
    const first = await change(id, { brand_name: 'Two', unchanged_since: updated_at })
    expect(first.statusCode, first.body).toBe(200)
    const now = first.json<{ template: BrandingTemplate }>().template.updated_at
    const second = await change(id, { brand_name: 'Three', unchanged_since: updated_at })
    expect([second.statusCode, second.json()]).toEqual([
      409,
      {
        error: 'Resource changed',
        message: `The branding template ${name} was changed at ${now}, by somebody else`,
      },
    ])
    const kept = (await test.request('GET', `${templatesPath}/${id}`)).json()
    expect(kept.template).toMatchObject({ brand_name: 'Two', updated_at: now })
    const third = await change(id, { brand_name: 'Three', unchanged_since: now })
    expect(third.statusCode, third.body).toBe(200)
    expect((await change(id, { brand_name: 'Four' })).statusCode).toBe(200)
    expect((await change(id, { unchanged_since: 'yesterday' })).statusCode).toBe(400)
    expect((await change(0x7fffffff, { unchanged_since: now })).statusCode).toBe(404)
  })

  it('pages through the list, and has those archived in it only where they are asked for', async () => {
    const one = await test.template()
    const two = await test.template()
    const before = (await test.request('GET', templatesPath)).json().count
    expect((await change(one.id, { archived: true })).json().template.archived).toBe(true)
    const ids = async (query: string) => {
      const answer = (await test.request('GET', `${templatesPath}${query}`)).json<{
        templates: BrandingTemplate[]
        count: number
      }>()
      return { ids: answer.templates.map(({ id }) => id), count: answer.count }
    }
    const plain = await ids('')
    expect(plain.count).toBe(before - 1)
    expect(plain.ids).not.toContain(one.id)
    expect(plain.ids).toContain(two.id)
    const all = await ids('?archived=true')
    expect(all.ids).toContain(one.id)
    expect(await ids('?archived=true&limit=1&offset=1')).toEqual({
      ids: [all.ids[1]],
      count: all.count,
    })
    expect((await change(one.id, { archived: false })).json().template.archived).toBe(false)
    for (const query of ['?limit=101', '?limit=0', '?offset=-1', '?archived=x', '?other=1']) {
      expect((await test.request('GET', templatesPath + query)).statusCode, query).toBe(400)
    }
  })

  it('deletes one with the files of its assets', async () => {
    const { id } = await test.template()
    await test.asset(id)
    const objects = () => readdir(join(test.objectsDirectory, 'branding')).catch(() => [])
    const before = (await objects()).length
    const answer = await test.request('DELETE', `${templatesPath}/${id}`)
    expect(answer.json()).toEqual({
      success: true,
      message: `Branding template ${id} is deleted`,
    })
    expect((await objects()).length).toBe(before - 1)
    for (const method of ['GET', 'DELETE'] as const) {
      const gone = await test.request(method, `${templatesPath}/${id}`)
      expect([gone.statusCode, gone.json()]).toEqual([
        404,
        { error: 'Resource not found', message: `There is no branding template ${id}` },
      ])
    }
    expect((await change(id, { name: 'x' })).statusCode).toBe(404)
    expect((await test.request('GET', `${templatesPath}/x`)).statusCode).toBe(400)
  })

  it('keeps one that a build refers to, until it is archived', async () => {
    const { id, name } = await test.template()
    const { id: build } = await test.database.db
      .insertInto('builds')
      .values({
        steps_to_execute: ['clone_repo', 'apply_branding'],
        repository_info: '{}',
        repository: 'acme/shop',
        output_type: 'zip',
        branding_template_id: id,
        created_by: 'admin',
        started_at: new Date(),
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const refused = await test.request('DELETE', `${templatesPath}/${id}`)
    expect([refused.statusCode, refused.json()]).toEqual([
      409,
      {
        error: 'Resource in use',
        message: `The branding template ${name} is used by the build ${build}: archive it first`,
      },
    ])
    await change(id, { archived: true })
    expect((await test.request('DELETE', `${templatesPath}/${id}`)).statusCode).toBe(200)
    const row = await test.database.db
      .selectFrom('builds')
      .select('branding_template_id')
      .where('id', '=', build)
      .executeTakeFirstOrThrow()
    expect(row.branding_template_id).toBeNull()
  })

  it('lets viewers look, and only operators change; is not for tokens limited to repositories', async () => {
    const { id } = await test.template()
    const viewer = await test.tokenFor(['viewer'])
    const developer = await test.tokenFor(['developer'])
    const operator = await test.tokenFor(['operator'])
    const limited = await test.tokenFor(['operator'], { repositories: ['acme/shop'] })
    const status = async (method: 'GET' | 'DELETE', token: string) =>
      (await test.request(method, `${templatesPath}/${id}`, { token })).statusCode
    expect(await status('GET', viewer)).toBe(200)
    expect((await create({}, developer)).statusCode).toBe(403)
    expect((await create({}, operator)).statusCode).toBe(201)
    expect(await status('GET', limited)).toBe(403)
    expect(await status('DELETE', limited)).toBe(403)
    expect((await create({}, limited)).statusCode).toBe(403)
    const preview = { token: viewer, body: {} }
    expect((await test.request('POST', `${templatesPath}/${id}/preview`, preview)).statusCode).toBe(
      403,
    )
  })

  it('writes changes to the audit log', async () => {
    const { id } = await test.template()
    await change(id, { description: 'x' })
    const { entries } = (await test.request('GET', '/v1/audit?limit=100')).json<{
      entries: { action: string; resource: string }[]
    }>()
    expect(entries).toContainEqual(
      expect.objectContaining({
        action: 'PUT /api/branding/templates/:id',
        resource: `${templatesPath}/${id}`,
      }),
    )
  })
})

describe('POST /api/branding/templates/{id}/duplicate', () => {
  it('copies a template with its assets under the first free name', async () => {
    const original = await test.template({
      name: 'Original',
      description: 'd',
      brand_name: 'b',
      replacement_rules: [rule({ use_regex: true })],
    })
    const asset = await test.asset(original.id, { target_path: 'a/logo.png' })
    await change(original.id, { archived: true })
    const copy = async (body?: object) =>
      test.request('POST', `${templatesPath}/${original.id}/duplicate`, body ? { body } : {})
    const first = await copy()
    expect(first.statusCode).toBe(201)
    const { template } = first.json<{ template: BrandingTemplate }>()
    expect(template).toMatchObject({
      name: 'Original (copy)',
      description: 'd',
      brand_name: 'b',
      replacement_rules: original.replacement_rules,
      archived: false,
      assets: [{ target_path: 'a/logo.png', sha256: asset.sha256, size_bytes: asset.size_bytes }],
    })
    expect((await copy()).json().template.name).toBe('Original (copy 2)')
    expect((await copy({ name: 'Mine' })).json().template.name).toBe('Mine')
    const taken = await copy({ name: 'Mine' })
    expect([taken.statusCode, taken.json().error]).toEqual([409, 'Resource already exists'])
    // The copy stands on its own.
    await test.request('DELETE', `${templatesPath}/${original.id}`)
    const { content_url: url } = template.assets[0] ?? { content_url: '' }
    expect((await test.request('GET', url)).statusCode).toBe(200)
    expect((await copy()).statusCode).toBe(404)
  })
})
