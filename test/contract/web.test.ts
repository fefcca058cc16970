// The dashboard's files over HTTP: the document for every page, assets, compression, caching, the policy.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDashboardFiles } from '../../packages/server/src/http/web/dashboard-files.ts'
import { createTestApp, type TestApp } from '../support/http.ts'

const script = 'console.log("hello")\n'
const router = new URL('../../packages/web/src/app/router.tsx', import.meta.url)
let directory = ''
let test: TestApp

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-web-'))
  await mkdir(join(directory, 'assets'))
  const put = (name: string, content: string | Buffer) => writeFile(join(directory, name), content)
  await put('index.html', '<meta content="%CSP_NONCE%"><script nonce="%CSP_NONCE%"></script>')
  await put('favicon.svg', '<svg/>')
  await put('theme.js', '')
  await put('notes.txt', 'not served')
  await put('assets/app-1a2b.js', script)
  await put('assets/app-1a2b.js.br', brotliCompressSync(script))
  await put('assets/app-1a2b.js.gz', gzipSync(script))
  await put('assets/plain.css', 'a{}')
  test = await createTestApp({ dashboard: await readDashboardFiles(directory) })
})
afterAll(async () => {
  await test.close()
  await rm(directory, { recursive: true })
})

const get = (path: string, headers: Record<string, string> = {}) =>
  test.app.inject({ method: 'GET', url: path, headers })

describe('a page of the dashboard', () => {
  it('is served at every path that the router knows, to anybody', async () => {
    const source = await readFile(router, 'utf8')
    const paths = [...source.matchAll(/^\s+path: '(\/[^']*)'/gm)].map(([, path = '']) => path)
    expect(paths).toContain('/repositories/$owner/$name')
    expect(paths.length).toBeGreaterThan(15)
    for (const path of paths) {
      const answer = await get(path.replaceAll(/\$\w*/g, 'x'))
      expect([path, answer.statusCode, answer.headers['content-type']]).toEqual([
        path,
        200,
        'text/html; charset=utf-8',
      ])
    }
  })

  it('is never kept, and names a new nonce each time, with nothing else allowed', async () => {
    const answers = [await get('/'), await get('/')]
    const nonces = answers.map(({ headers, body }) => {
      expect(headers['cache-control']).toBe('no-store')
      const policy = String(headers['content-security-policy'])
      const nonce = /script-src 'self' 'nonce-([\w+/=]{20,})'/.exec(policy)?.[1] ?? 'none'
      expect(body).toBe(`<meta content="${nonce}"><script nonce="${nonce}"></script>`)
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).toContain("base-uri 'none'")
      expect(policy).not.toMatch(/unsafe|\*/)
      return nonce
    })
    expect(new Set(nonces).size).toBe(2)
  })

  const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

  it('says at an unknown path, to whoever follows a link there, that there is nothing', async () => {
    const answer = await get('/no-such-page', navigation)
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('no-store')
    const nonce = /'nonce-([^']+)'/.exec(String(answer.headers['content-security-policy']))?.[1]
    expect(answer.body).toBe(`<meta content="${nonce}"><script nonce="${nonce}"></script>`)
  })

  it.each([
    ['GET', '/no-such-page', {}],
    ['GET', '/no-such-page', { accept: '*/*' }],
    ['GET', '/no-such-page', { accept: 'application/json' }],
    ['POST', '/no-such-page', navigation],
    ['GET', '/v1/no-such-route', navigation],
    ['GET', '/v1', navigation],
    ['GET', '/api/no-such-route', navigation],
    ['GET', '/api', navigation],
    ['GET', '/api/v2/pipelines/no-such-route', navigation],
    ['GET', '/v2/no-such-route', navigation],
    ['GET', '/assets/no-such-file.js', navigation],
    ['GET', '/mcp/no-such-route', navigation],
    ['GET', '/socket.io/no-such-route', navigation],
    ['GET', '/metrics/no-such-route', navigation],
  ] as const)('is not what a program finds: %s %s, %j', async (method, url, headers) => {
    const answer = await test.app.inject({ method, url, headers })
    expect(answer.headers['content-type']).toContain('application/json')
    // A registry says nothing at all to strangers.
    expect(answer.statusCode).toBe(url.startsWith('/v2') ? 401 : 404)
  })
})

describe('an asset', () => {
  it('comes in the best encoding that is taken, and is kept for ever', async () => {
    const path = '/assets/app-1a2b.js'
    const best = await get(path, { 'accept-encoding': 'gzip, deflate, br' })
    expect(best.statusCode).toBe(200)
    expect(best.headers).toMatchObject({
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
      'content-length': String(best.rawPayload.length),
    })
    expect(brotliDecompressSync(best.rawPayload).toString()).toBe(script)
    const other = await get(path, { 'accept-encoding': 'gzip' })
    expect(other.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(other.rawPayload).toString()).toBe(script)
    const plain = await get(path)
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.body).toBe(script)
    const refused = await get(path, { 'accept-encoding': 'br;q=0, gzip' })
    expect(refused.headers['content-encoding']).toBe('gzip')
    const uncompressed = await get('/assets/plain.css', { 'accept-encoding': 'br' })
    expect(uncompressed.headers['content-encoding']).toBeUndefined()
    expect(uncompressed.body).toBe('a{}')
  })

  it.each([
    '/assets/no-such.js',
    '/assets/..%2findex.html',
    '/assets/../../package.json',
    '/assets/app-1a2b.js.br',
    '/assets/%00',
  ])('that is not there is not found: %s', async (path) => {
    const answer = await get(path)
    expect([400, 401, 404]).toContain(answer.statusCode)
    expect(answer.headers['cache-control'] ?? '').not.toContain('immutable')
    expect(answer.headers['content-type']).toContain('application/json')
  })

  it('without a fingerprint in its name is asked for anew', async () => {
    for (const name of ['/favicon.svg', '/theme.js']) {
      const answer = await get(name)
      expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-cache'])
    }
    expect((await get('/notes.txt')).statusCode).not.toBe(200)
  })
})

describe('a server whose dashboard was not built', () => {
  it('says so', async () => {
    const bare = await createTestApp()
    try {
      const answer = await bare.app.inject({ method: 'GET', url: '/' })
      expect(answer.statusCode).toBe(404)
      expect(answer.body).toContain('npm run build')
    } finally {
      await bare.close()
    }
  })
})
