import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { BrandingTemplate } from '@slipway/contract/branding'
import { brandingLimits } from '@slipway/contract/vocabulary'
import { extract, type Headers, pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrandingApp, createBrandingApp, png, templatesPath } from '../support/branding-app.ts'

let test: BrandingApp
beforeAll(async () => void (test = await createBrandingApp()))
afterAll(() => test.close())

const importPath = `${templatesPath}/import`
const importFile = (bytes: Buffer, more: Record<string, string> = {}) =>
  test.upload(importPath, { file: { bytes, name: 't.tar.gz', type: 'application/gzip' }, ...more })
const exported = async (id: number) =>
  (await test.request('GET', `${templatesPath}/${id}/export`)).rawPayload
const stored = () => readdir(join(test.objectsDirectory, 'branding')).catch(() => [])
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

type Member = Partial<Headers> & { name: string; content?: string | Buffer }

async function archive(members: readonly Member[]): Promise<Buffer> {
  const tar = pack()
  for (const { content = '', ...header } of members) tar.entry(header, content)
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(chunk)
  return gzipSync(Buffer.concat(chunks))
}

let serial = 0
const manifest = (over: object = {}, template: object = {}) =>
  JSON.stringify({
    format: 'slipway-branding-template',
    version: 1,
    template: { name: `Import ${++serial}`, ...template },
    assets: [],
    ...over,
  })
const listed = (over: object = {}) => ({
  file: 'assets/1',
  file_name: 'logo.png',
  asset_type: 'logo',
  target_path: 'static/logo.png',
  size_bytes: png.length,
  sha256: sha256(png),
  ...over,
})

describe('GET /api/branding/templates/{id}/export and POST …/import', () => {
  it('takes a template to another place, whole', async () => {
    const { id } = await test.template({
      name: 'Täst / one',
      description: 'd',
      brand_name: 'b',
      replacement_rules: [{ pattern: '(a)', replacement: '$1', use_regex: true, files: ['*.txt'] }],
    })
    await test.asset(id, { target_path: 'static/logo.png' })
    await test.asset(id, {
      asset_type: 'manifest',
      target_path: 'manifest.json',
      file: { bytes: '{"name": "x"}', name: 'm.json' },
    })
    const file = await test.request('GET', `${templatesPath}/${id}/export`)
    expect(file.headers).toMatchObject({
      'content-type': 'application/gzip',
      'content-disposition': `attachment; filename="T_st-one.branding.tar.gz"; filename*=UTF-8''T%C3%A4st-one.branding.tar.gz`,
      'x-content-type-options': 'nosniff',
    })
    // Of one template always the same bytes.
    expect(await exported(id)).toEqual(file.rawPayload)
    const names: string[] = []
    const reading = extract()
    reading.end(gunzipSync(file.rawPayload))
    for await (const entry of reading) {
      names.push(entry.header.name)
      entry.resume()
    }
    expect(names).toEqual(['template.json', 'assets/1', 'assets/2'])

    const before = (await test.request('GET', `${templatesPath}/${id}`)).json<{
      template: BrandingTemplate
    }>().template
    const taken = await importFile(file.rawPayload)
    expect([taken.statusCode, taken.json().error]).toEqual([409, 'Resource already exists'])
    const answer = await importFile(file.rawPayload, { name: 'Imported' })
    expect(answer.statusCode, answer.body).toBe(201)
    const { template } = answer.json<{ template: BrandingTemplate }>()
    const same = ({ assets, ...rest }: BrandingTemplate) => ({
      ...rest,
      id: 0,
      name: '',
      created_at: '',
      updated_at: '',
      assets: assets.map((asset) => ({
        ...asset,
        id: 0,
        template_id: 0,
        content_url: '',
        created_at: '',
      })),
    })
    expect(same(template)).toEqual(same(before))
    const url = template.assets.find(({ asset_type: type }) => type === 'logo')?.content_url ?? ''
    expect((await test.request('GET', url)).rawPayload).toEqual(png)
    await test.request('DELETE', `${templatesPath}/${id}`)
    expect((await importFile(file.rawPayload)).json().template.name).toBe('Täst / one')
  })

  it.each<[string, () => Promise<Buffer> | Buffer, string]>([
    ['no archive', () => Buffer.from('hello'), 'is not that of a branding template'],
    [
      'half an archive',
      async () => (await archive([{ name: 'template.json', content: manifest() }])).subarray(0, 60),
      'is not that of a branding template',
    ],
    ['an empty archive', () => archive([]), 'is not that of a branding template'],
    [
      'no manifest',
      () => archive([{ name: 'other', content: 'x' }]),
      'it holds "other", not what it lists',
    ],
    [
      'a manifest that is no JSON',
      () => archive([{ name: 'template.json', content: '{' }]),
      'template.json is not valid: is not valid JSON',
    ],
    [
      'a manifest of another format',
      () => archive([{ name: 'template.json', content: '{"format": "x"}' }]),
      'template.json is not valid',
    ],
    [
      'another version',
      () => archive([{ name: 'template.json', content: manifest({ version: 2 }) }]),
      '/version',
    ],
    [
      'unknown keys',
      () => archive([{ name: 'template.json', content: manifest({ extra: 1 }) }]),
      'template.json is not valid',
    ],
    [
      'a pattern that cannot be',
      () =>
        archive([
          {
            name: 'template.json',
            content: manifest(
              {},
              { replacement_rules: [{ pattern: '(', replacement: '', use_regex: true }] },
            ),
          },
        ]),
      '/replacement_rules/0/pattern',
    ],
    [
      'a file that is not listed',
      () =>
        archive([
          { name: 'template.json', content: manifest() },
          { name: 'assets/1', content: 'x' },
        ]),
      'it holds "assets/1", not what it lists',
    ],
    [
      'a path that leads out',
      () =>
        archive([
          { name: 'template.json', content: manifest({ assets: [listed()] }) },
          { name: '../../etc/cron.d/x', content: png },
        ]),
      'not what it lists',
    ],
    [
      'an absolute path',
      () => archive([{ name: '/template.json', content: manifest() }]),
      'not what it lists',
    ],
    [
      'a listed path that leads out',
      () =>
        archive([
          { name: 'template.json', content: manifest({ assets: [listed({ file: '../x' })] }) },
        ]),
      '/assets/0/file',
    ],
    [
      'a target path that leads out',
      () =>
        archive([
          {
            name: 'template.json',
            content: manifest({ assets: [listed({ target_path: '../x.png' })] }),
          },
          { name: 'assets/1', content: png },
        ]),
      '/assets/0/target_path must not hold the part ..',
    ],
    [
      'a link',
      () =>
        archive([
          { name: 'template.json', content: manifest({ assets: [listed()] }) },
          { name: 'assets/1', type: 'symlink', linkname: '/etc/passwd' },
        ]),
      '"assets/1", which is no file',
    ],
    [
      'a manifest that is a link',
      () => archive([{ name: 'template.json', type: 'symlink', linkname: '/etc/passwd' }]),
      'which is no file',
    ],
    [
      'a file that is missing',
      () => archive([{ name: 'template.json', content: manifest({ assets: [listed()] }) }]),
      '/assets/0 lacks assets/1',
    ],
    [
      'another file than it says',
      () =>
        archive([
          {
            name: 'template.json',
            content: manifest({ assets: [listed({ sha256: 'a'.repeat(64) })] }),
          },
          { name: 'assets/1', content: png },
        ]),
      '/assets/0 is not the file that it says it is',
    ],
    [
      'a file that lies about its type',
      () =>
        archive([
          {
            name: 'template.json',
            content: manifest({
              assets: [listed({ size_bytes: 1, sha256: sha256(Buffer.from('x')) })],
            }),
          },
          { name: 'assets/1', content: 'x' },
        ]),
      '/assets/0/file is by its name image/png',
    ],
    [
      'two assets for one path',
      () =>
        archive([
          {
            name: 'template.json',
            content: manifest({ assets: [listed(), listed({ file: 'assets/2' })] }),
          },
          { name: 'assets/1', content: png },
          { name: 'assets/2', content: png },
        ]),
      'has an asset for static/logo.png already',
    ],
  ])('refuses a file with %s, and keeps nothing of it', async (_what, make, why) => {
    const before = await stored()
    const templates = (await test.request('GET', templatesPath)).json().count
    const answer = await importFile(await make())
    expect([400, 409]).toContain(answer.statusCode)
    expect(answer.json().message).toContain(why)
    expect(await stored()).toEqual(before)
    expect((await test.request('GET', templatesPath)).json().count).toBe(templates)
  })

  it('takes no more than a template may hold, however small it is packed (413)', async () => {
    const before = await stored()
    const zeros = Buffer.alloc(brandingLimits.assetBytes + 1)
    const large = await archive([
      { name: 'template.json', content: manifest({ assets: [listed()] }) },
      { name: 'assets/1', content: zeros },
    ])
    expect(large.length).toBeLessThan(50_000)
    const answer = await importFile(large)
    expect([answer.statusCode, answer.json().error]).toEqual([413, 'Payload too large'])
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024))
    expect((await importFile(bomb)).statusCode).toBeGreaterThanOrEqual(400)
    const talkative = await archive([
      { name: 'template.json', content: Buffer.alloc(5 * 1024 * 1024, 32) },
    ])
    expect((await importFile(talkative)).statusCode).toBe(413)
    expect(await stored()).toEqual(before)
  })

  it('judges the fields beside the file, and who sends it', async () => {
    const file = await archive([{ name: 'template.json', content: manifest() }])
    const empty = await importFile(file, { name: '' })
    expect([empty.statusCode, empty.json().message]).toEqual([
      400,
      'The body is not valid: /name must have 1 to 100 characters',
    ])
    const other = await importFile(file, { other: 'x' })
    expect(other.json().message).toContain('/other is not known here')
    const none = await test.upload(importPath, { name: 'x' })
    expect(none.json().message).toContain('/file is missing')
    expect((await test.request('POST', importPath, { body: {} })).statusCode).toBe(415)
    const developer = await test.tokenFor(['developer'])
    const denied = await test.upload(importPath, { file: { bytes: file, name: 'f' } }, developer)
    expect(denied.statusCode).toBe(403)
    const limited = await test.tokenFor(['operator'], { repositories: ['a/b'] })
    const hidden = await test.upload(importPath, { file: { bytes: file, name: 'f' } }, limited)
    expect(hidden.statusCode).toBe(403)
    const lost = await test.request('GET', `${templatesPath}/999999/export`)
    expect([lost.statusCode, lost.json().error]).toEqual([404, 'Resource not found'])
  })
})
