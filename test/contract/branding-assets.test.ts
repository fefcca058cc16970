import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import type { BrandingAsset } from '@slipway/contract/branding'
import { brandingLimits } from '@slipway/contract/vocabulary'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type BrandingApp,
  createBrandingApp,
  png,
  templatesPath,
  type UploadedPart,
} from '../support/branding-app.ts'

let test: BrandingApp
let id: number
beforeAll(async () => {
  test = await createBrandingApp()
  id = (await test.template()).id
})
afterAll(() => test.close())

const assetsPath = () => `${templatesPath}/${id}/assets`
let serial = 0
const upload = (parts: Record<string, string | UploadedPart>, token?: string) =>
  test.upload(
    assetsPath(),
    {
      asset_type: 'other',
      target_path: `file-${++serial}`,
      file: { bytes: 'text', name: 'file' },
      ...parts,
    },
    token,
  )
const stored = () => readdir(join(test.objectsDirectory, 'branding')).catch(() => [])
const svg = (inside = '', attributes = '') =>
  `<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${inside}</svg>`

describe('POST /api/branding/templates/{id}/assets', () => {
  it('keeps a file and says what it is (201)', async () => {
    const answer = await upload({
      asset_type: 'logo',
      target_path: 'static/logo.png',
      file: { bytes: png, name: 'our logo.png', type: 'image/png' },
    })
    expect(answer.statusCode, answer.body).toBe(201)
    const { asset } = answer.json<{ asset: BrandingAsset }>()
    expect(answer.json()).toEqual({
      success: true,
      asset: {
        id: expect.any(Number),
        template_id: id,
        asset_type: 'logo',
        file_name: 'our logo.png',
        target_path: 'static/logo.png',
        content_type: 'image/png',
        size_bytes: png.length,
        sha256: createHash('sha256').update(png).digest('hex'),
        content_url: `${assetsPath()}/${asset.id}/content`,
        created_by: 'admin',
        created_at: expect.any(String),
      },
    })
  })

  it.each<[string, string, string, string | Buffer, string]>([
    [
      'favicon',
      'favicon.ico',
      'image/x-icon',
      Buffer.from([0, 0, 1, 0, 1, 0, 16, 16]),
      'image/x-icon',
    ],
    ['favicon', 'favicon.svg', 'image/svg+xml', svg('<path d="M0 0"/>'), 'image/svg+xml'],
    ['logo', 'a.jpg', 'image/jpg', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0]), 'image/jpeg'],
    ['logo', 'a.gif', 'image/gif', 'GIF89a....', 'image/gif'],
    ['logo', 'a.webp', '', 'RIFF\0\0\0\0WEBPVP8 ', 'image/webp'],
    ['theme', 'theme.css', 'text/css', 'a { color: red } /* } */', 'text/css'],
    ['theme', 'theme', '', '@import "x.css";', 'text/css'],
    ['theme', 'theme.json', 'application/json', '{"a": [1]}', 'application/json'],
    ['manifest', 'site.webmanifest', '', '{"name": "x"}', 'application/manifest+json'],
    ['other', 'font.woff2', 'font/woff2', 'wOF2....', 'font/woff2'],
    ['other', 'index.html', 'text/html', '<p>hello', 'text/plain'],
    ['other', 'README.md', 'text/markdown', '# Hello', 'text/plain'],
    [
      'other',
      'data.bin',
      'application/octet-stream',
      Buffer.from([1, 0, 2]),
      'application/octet-stream',
    ],
    ['other', 'empty', '', '', 'application/octet-stream'],
  ])('takes a %s %s sent as %s', async (asset_type, name, type, bytes, expected) => {
    const answer = await upload({ asset_type, file: { bytes, name, type } })
    expect(answer.statusCode, answer.body).toBe(201)
    expect(answer.json().asset.content_type).toBe(expected)
  })

  it.each<[string, string, string, string | Buffer, string]>([
    ['logo', 'logo.png', 'image/png', '<html>', 'its bytes are text/plain'],
    ['logo', 'logo', '', 'MZ not an image', '/asset_type is logo'],
    ['logo', 'logo.png', 'image/png', svg(), 'is by its name image/png'],
    [
      'logo',
      'logo',
      'image/svg+xml',
      png,
      'was sent as image/svg+xml, and its bytes are image/png',
    ],
    ['other', 'page.html', '', png, 'is by its name text/plain, and its bytes are image/png'],
    ['other', 'a.bmp', 'image/bmp', 'BM', 'was sent as image/bmp'],
    ['favicon', 'favicon.ico', '', png, 'is by its name image/x-icon'],
    ['theme', 'theme.css', '', 'a { color: red', 'it lacks a }'],
    ['theme', 'theme.css', '', 'a } b', 'it has a } too many'],
    ['theme', 'theme.css', '', 'a { content: "x }', 'a string that is not closed'],
    ['theme', 'theme.css', '', '/* a { }', 'a comment that is not closed'],
    ['theme', 'theme.css', '', 'hello world', 'it has no rules'],
    ['theme', 'theme.css', '', '<script>a{}</script>', 'it holds markup'],
    ['theme', 'theme.json', '', '{"a": ', 'its bytes are text/plain'],
    ['manifest', 'manifest.json', '', 'name: x', '/asset_type is manifest'],
    ['logo', 'a.svg', '', svg('<script>alert(1)</script>'), 'it has the element script'],
    ['logo', 'a.svg', '', svg('', 'onload="alert(1)"'), 'it has the attribute onload'],
    [
      'logo',
      'a.svg',
      '',
      svg('<a href=" java\nscript:alert(1)"/>'),
      'a script in the attribute href',
    ],
    [
      'logo',
      'a.svg',
      '',
      svg('<animate attributeName="href" values="#a;javascript:alert(1)"/>'),
      'it has a script in the attribute values',
    ],
    [
      'logo',
      'a.svg',
      '',
      svg().replace('\n', '\n<?xml-stylesheet type="text/xsl" href="data:text/xml,a"?>'),
      'it has a style sheet that is no CSS',
    ],
    ['logo', 'a.svg', '', svg('<g>'), 'it is not well-formed'],
    ['logo', 'a.svg', '', '<svg/>', 'it has no svg at its root'],
    ['logo', 'a.svg', '', `<!DOCTYPE svg [<!ENTITY a "b">]>${svg('&a;')}`, 'it declares entities'],
    ['logo', 'a.svg', '', `${svg()}\0`, 'its bytes are application/octet-stream'],
  ])(
    'refuses a %s %s sent as %s that is something else',
    async (asset_type, name, type, bytes, why) => {
      const before = await stored()
      const answer = await upload({ asset_type, file: { bytes, name, type } })
      expect([answer.statusCode, answer.json().error]).toEqual([400, 'Validation error'])
      expect(answer.json().message).toContain(why)
      expect(await stored()).toEqual(before)
    },
  )

  it.each([
    '/etc/passwd',
    '../up',
    'a/../../b',
    './a',
    'a//b',
    'a/',
    '.git/config',
    'sub/.GIT/hooks/pre-commit',
    'a/.git\u200c/x',
    'git~1/config',
    'C:\\x',
    'c:x',
    'a\\b',
    'a\u0007b',
    'a/nul.txt',
    'a./b',
    'x'.repeat(501),
  ])('refuses the target path %j', async (target_path) => {
    const answer = await upload({ target_path })
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'Validation error'])
    expect(answer.json().message).toContain('/target_path')
  })

  it('names all that is missing or wrong at once', async () => {
    const nothing = await test.upload(assetsPath(), { other: 'x', more: { bytes: 'x', name: 'y' } })
    expect(nothing.statusCode).toBe(400)
    for (const part of ['/other is not known here', '/more is not known here']) {
      expect(nothing.json().message).toContain(part)
    }
    const missing = await test.upload(assetsPath(), { asset_type: 'x' })
    for (const part of [
      '/file is missing',
      '/target_path is missing',
      '/asset_type must be one of logo, favicon, theme, manifest, other',
    ]) {
      expect(missing.json().message).toContain(part)
    }
    const both = await upload({ asset_type: 'logo', target_path: '../a.gif' })
    for (const part of ['/target_path must not', '/target_path is by its name', '/asset_type is']) {
      expect(both.json().message).toContain(part)
    }
  })

  it('refuses a second asset for a path (409), and keeps the first', async () => {
    const first = await test.asset(id, { target_path: 'twice.png' })
    const before = await stored()
    const answer = await upload({
      target_path: 'twice.png',
      file: { bytes: png, name: 'b.png', type: 'image/png' },
    })
    expect([answer.statusCode, answer.json()]).toEqual([
      409,
      {
        error: 'Resource already exists',
        message: 'The template has an asset for twice.png already',
      },
    ])
    expect(await stored()).toEqual(before)
    expect((await test.request('GET', first.content_url)).rawPayload).toEqual(png)
  })

  it('has limits for a file, a template and the number of assets (413)', async () => {
    const large = (bytes: number) => ({ bytes: Buffer.alloc(bytes, 1), name: 'large' })
    const before = await stored()
    const answer = await upload({ file: large(brandingLimits.assetBytes + 1) })
    expect([answer.statusCode, answer.json().error]).toEqual([413, 'Payload too large'])
    expect(await stored()).toEqual(before)
    const full = await test.template()
    const fill = (bytes: number, target_path: string) =>
      test.upload(`${templatesPath}/${full.id}/assets`, {
        asset_type: 'other',
        target_path,
        file: large(bytes),
      })
    for (let at = 0; at < 5; at++) {
      expect((await fill(brandingLimits.assetBytes, `${at}`)).statusCode).toBe(201)
    }
    const more = await fill(1, 'more')
    expect([more.statusCode, more.json().message]).toEqual([
      413,
      `The assets of a template are at most ${brandingLimits.templateBytes} bytes`,
    ])
    const many = await test.template()
    for (let at = 0; at < brandingLimits.assets; at++) await test.asset(many.id)
    await expect(test.asset(many.id)).rejects.toThrow('A template has at most 50 assets')
  })

  it('does not read large texts as JSON, CSS or SVG', async () => {
    const text = `{"a": "${'x'.repeat(brandingLimits.textAssetBytes)}"}`
    const answer = await upload({ asset_type: 'manifest', file: { bytes: text, name: 'a.json' } })
    expect(answer.json().message).toContain(
      `text of more than ${brandingLimits.textAssetBytes} bytes is not read`,
    )
  })

  it('takes multipart/form-data and nothing else, and one file', async () => {
    const json = await test.request('POST', assetsPath(), { body: { asset_type: 'logo' } })
    expect([json.statusCode, json.json()]).toEqual([
      415,
      { error: 'Unsupported media type', message: 'The body must be multipart/form-data' },
    ])
    const broken = await test.app.inject({
      method: 'POST',
      url: assetsPath(),
      headers: {
        authorization: `Bearer ${test.token}`,
        'content-type': 'multipart/form-data; boundary=x',
      },
      payload: '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
    })
    expect([broken.statusCode, broken.json().error]).toEqual([400, 'Validation error'])
    for (const contentType of ['multipart/form-data', 'multipart/form-data; boundary=']) {
      const unbounded = await test.app.inject({
        method: 'POST',
        url: assetsPath(),
        headers: { authorization: `Bearer ${test.token}`, 'content-type': contentType },
        payload: 'x',
      })
      expect([unbounded.statusCode, unbounded.json().error]).toEqual([400, 'Validation error'])
    }
    const form = await test.app.inject({
      method: 'POST',
      url: templatesPath,
      headers: {
        authorization: `Bearer ${test.token}`,
        'content-type': 'multipart/form-data; boundary=x',
      },
      payload: '--x--',
    })
    expect(form.statusCode).toBe(415)
  })

  it('keeps nothing of an upload that breaks off, and has it in the audit log', async () => {
    await test.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = test.app.server.address() as AddressInfo
    const before = await stored()
    const socket = connect(port, '127.0.0.1')
    const part = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    socket.write(
      `POST ${assetsPath()} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${test.token}\r\n` +
        `x-request-id: broken-off\r\ncontent-type: multipart/form-data; boundary=x\r\n` +
        `content-length: 1000000\r\n\r\n${part}${'a'.repeat(100_000)}`,
    )
    const incoming = join(test.objectsDirectory, '~incoming')
    await expect.poll(() => readdir(incoming), { timeout: 10_000 }).toHaveLength(1)
    socket.destroy()
    await expect
      .poll(
        async () =>
          (await test.request('GET', '/v1/audit?limit=5'))
            .json<{ entries: { request_id: string }[] }>()
            .entries.find((entry) => entry.request_id === 'broken-off'),
        { timeout: 10_000 },
      )
      .toMatchObject({ address: '127.0.0.1', outcome: 400 })
    expect(await stored()).toEqual(before)
    expect(await readdir(incoming)).toEqual([])
  })

  it('needs a template that exists, and a role that may', async () => {
    const lost = await test.upload(`${templatesPath}/999999/assets`, {
      asset_type: 'logo',
      target_path: 'a.png',
      file: { bytes: png, name: 'a.png' },
    })
    expect([lost.statusCode, lost.json().error]).toEqual([404, 'Resource not found'])
    const developer = await test.tokenFor(['developer'])
    expect((await upload({}, developer)).statusCode).toBe(403)
  })
})

describe('the assets of a template', () => {
  it('are listed, shown, put elsewhere and deleted', async () => {
    const template = await test.template()
    const path = `${templatesPath}/${template.id}/assets`
    const b = await test.asset(template.id, { target_path: 'b.png' })
    const a = await test.asset(template.id, { target_path: 'a.png' })
    expect((await test.request('GET', path)).json()).toEqual({
      success: true,
      assets: [a, b],
      count: 2,
    })
    expect((await test.request('GET', `${path}/${a.id}`)).json()).toEqual({
      success: true,
      asset: a,
    })
    const change = (body: object) => test.request('PUT', `${path}/${a.id}`, { body })
    expect((await change({ target_path: 'c/a.png', asset_type: 'favicon' })).json()).toEqual({
      success: true,
      asset: { ...a, target_path: 'c/a.png', asset_type: 'favicon' },
    })
    for (const [body, status, part] of [
      [{ target_path: '../a.png' }, 400, '/target_path must not hold the part ..'],
      [{ target_path: 'a.css' }, 400, '/target_path is by its name text/css'],
      [{ asset_type: 'manifest' }, 400, '/asset_type is manifest'],
      [{ target_path: 'b.png' }, 409, 'has an asset for b.png already'],
      [{}, 400, ''],
      [{ file_name: 'x' }, 400, '/file_name'],
    ] as const) {
      const answer = await change(body)
      expect(answer.statusCode, answer.body).toBe(status)
      expect(answer.json().message).toContain(part)
    }
    const deleted = await test.request('DELETE', `${path}/${a.id}`)
    expect(deleted.json()).toEqual({ success: true, message: `Branding asset ${a.id} is deleted` })
    // An asset of another template is none of this one.
    for (const [method, url] of [
      ['GET', `${path}/${a.id}`],
      ['GET', `${path}/${a.id}/content`],
      ['DELETE', `${path}/${a.id}`],
      ['GET', `${assetsPath()}/${b.id}`],
      ['DELETE', `${assetsPath()}/${b.id}`],
    ] as const) {
      expect((await test.request(method, url)).statusCode, url).toBe(404)
    }
  })

  it('are downloaded as attachments that can do nothing', async () => {
    const answer = await upload({
      asset_type: 'other',
      file: { bytes: '<b>hi</b>', name: "böse 'page'.html", type: 'text/html' },
    })
    const { asset } = answer.json<{ asset: BrandingAsset }>()
    const content = await test.request('GET', asset.content_url)
    expect(content.body).toBe('<b>hi</b>')
    expect(content.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': `attachment; filename="b_se 'page'.html"; filename*=UTF-8''b%C3%B6se%20%27page%27.html`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'content-length': String(asset.size_bytes),
      etag: `"${asset.sha256}"`,
    })
    const limited = await test.tokenFor(['viewer'], { repositories: ['acme/shop'] })
    const hidden = await test.request('GET', asset.content_url, { token: limited })
    expect(hidden.statusCode).toBe(403)
  })
})
