import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf, mediaTypes, ociName, pushArtifact } from '../../packages/server/src/oci/index.ts'
import { type OciServer, startOciServer } from '../support/oci-server.ts'

const { signal } = new AbortController()
const content = randomBytes(10_000)
const blob = digestOf(content)
const shop = ociName('acme/shop', 'api')
const other = ociName('Acme/Other', 'web')

let server: OciServer
let limited: string
let digest: string
let size: number

beforeAll(async () => {
  server = await startOciServer()
  const push = (repository: string, tags: string[], layer = content) =>
    pushArtifact(
      server.store,
      {
        repository,
        artifactType: 'application/vnd.test.thing',
        layers: [{ mediaType: 'text/plain', content: layer }],
        tags,
      },
      signal,
    )
  ;({ digest, size } = await push(shop, ['v1', 'v2', 'V3', 'main-42']))
  await push(other, ['v1'])
  await push(ociName('acme/shop-2', 'api'), ['v1'])
  limited = await server.tokenFor(['viewer'], { repositories: ['acme/shop'] })
})
afterAll(() => server.close())

const get = (
  path: string,
  headers: Record<string, string> = {},
  token: string | null = server.token,
) =>
  fetch(`http://${server.host}${path}`, {
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
  })
const head = (path: string, headers: Record<string, string> = {}) =>
  fetch(`http://${server.host}${path}`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${server.token}`, ...headers },
  })
const refusalOf = async (answer: Response) => {
  const body = (await answer.json()) as { errors: { code: string; message: string }[] }
  expect(body.errors).toHaveLength(1)
  expect(Object.keys(body.errors[0] ?? {}).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    'code',
    'detail',
    'message',
  ])
  return [answer.status, body.errors[0]?.code]
}

describe('GET /v2/', () => {
  const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  })

  it('asks for a password', async () => {
    const answer = await get('/v2/', {}, null)
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="Slipway", charset="UTF-8"')
    expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    expect(await refusalOf(answer)).toEqual([401, 'UNAUTHORIZED'])
  })

  it('takes a token as the password of anybody, and as a bearer token', async () => {
    for (const headers of [
      basic('anybody', server.token),
      basic('', server.token),
      { authorization: `Bearer ${server.token}` },
    ]) {
      const answer = await get('/v2/', headers, null)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({})
    }
  })

  it('takes nothing else', async () => {
    const ticket = await server.request('POST', '/v1/tickets')
    const wrong = [
      basic('anybody', `slw_${'x'.repeat(40)}`),
      basic(server.token, ''),
      { authorization: 'Basic' },
      { authorization: 'Basic ???' },
      { authorization: `Digest ${server.token}` },
    ]
    for (const headers of wrong) {
      expect(await refusalOf(await get('/v2/', headers, null))).toEqual([401, 'UNAUTHORIZED'])
    }
    const withTicket = await get(`/v2/?ticket=${ticket.json().ticket}`, {}, null)
    expect(withTicket.status).toBe(401)
  })

  it('has a limit, in its own words', async () => {
    const strict = await startOciServer({
      rateLimits: { windowMs: 60_000, perPrincipal: 1, failedPerAddress: 10 },
    })
    try {
      const headers = { authorization: `Bearer ${strict.token}` }
      await fetch(`http://${strict.host}/v2/`, { headers })
      const answer = await fetch(`http://${strict.host}/v2/`, { headers })
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await refusalOf(answer)).toEqual([429, 'TOOMANYREQUESTS'])
    } finally {
      await strict.close()
    }
  })
})

describe('manifests', () => {
  it('are found by tag and by digest', async () => {
    for (const reference of ['v1', 'V3', digest]) {
      const answer = await get(`/v2/${shop}/manifests/${reference}`)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('docker-content-digest')).toBe(digest)
      expect(answer.headers.get('content-type')).toBe(mediaTypes.manifest)
      expect(answer.headers.get('content-length')).toBe(String(size))
      expect(digestOf(Buffer.from(await answer.arrayBuffer()))).toBe(digest)
    }
  })

  it('answer HEAD with the same headers and no body', async () => {
    const answer = await head(`/v2/${shop}/manifests/v1`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('docker-content-digest')).toBe(digest)
    expect(answer.headers.get('content-length')).toBe(String(size))
    expect(await answer.text()).toBe('')
  })

  it('are given in no type that is not accepted', async () => {
    const accepted = await get(`/v2/${shop}/manifests/v1`, {
      accept: `${mediaTypes.index}, ${mediaTypes.manifest}`,
    })
    expect(accepted.status).toBe(200)
    const refused = await get(`/v2/${shop}/manifests/v1`, { accept: mediaTypes.index })
    expect(await refusalOf(refused)).toEqual([404, 'MANIFEST_UNKNOWN'])
  })

  it.each(['never', digestOf('never'), '.x'])(
    'that are not there are unknown: %s',
    async (reference) => {
      const answer = await get(`/v2/${shop}/manifests/${reference}`)
      expect(await refusalOf(answer)).toEqual([404, 'MANIFEST_UNKNOWN'])
      expect((await head(`/v2/${shop}/manifests/${reference}`)).status).toBe(404)
    },
  )
})

describe('blobs', () => {
  const path = `/v2/${shop}/blobs/${blob}`

  it('come as they went', async () => {
    const answer = await get(path)
    expect(answer.headers.get('docker-content-digest')).toBe(blob)
    expect(answer.headers.get('content-length')).toBe('10000')
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true)
    const headers = await head(path)
    expect(headers.status).toBe(200)
    expect(headers.headers.get('content-length')).toBe('10000')
    expect(headers.headers.get('accept-ranges')).toBe('bytes')
  })

  it.each([
    ['bytes=0-99', 0, 99],
    ['bytes=9990-', 9990, 9999],
    ['bytes=-10', 9990, 9999],
    ['bytes=5000-999999', 5000, 9999],
  ])('come in part for %s', async (range, start, end) => {
    const answer = await get(path, { range })
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end}/10000`)
    const part = content.subarray(start, end + 1)
    expect(Buffer.from(await answer.arrayBuffer()).equals(part)).toBe(true)
  })

  it('have no part beyond their end', async () => {
    const answer = await get(path, { range: 'bytes=10000-' })
    expect(answer.status).toBe(416)
    expect(answer.headers.get('content-range')).toBe('bytes */10000')
  })

  it('that are not there are unknown, and broken digests are told apart', async () => {
    expect(await refusalOf(await get(`/v2/${shop}/blobs/${digestOf('never')}`))).toEqual([
      404,
      'BLOB_UNKNOWN',
    ])
    expect(await refusalOf(await get(`/v2/${shop}/blobs/sha256:abc`))).toEqual([
      400,
      'DIGEST_INVALID',
    ])
  })
})

describe('tags', () => {
  it('are listed in order, page by page', async () => {
    const all = await get(`/v2/${shop}/tags/list`)
    expect(await all.json()).toEqual({ name: shop, tags: ['V3', 'main-42', 'v1', 'v2'] })
    expect(all.headers.get('link')).toBeNull()
    const seen: string[] = []
    let next: string | null = `/v2/${shop}/tags/list?n=3`
    while (next !== null) {
      const answer: Response = await get(next)
      seen.push(...((await answer.json()) as { tags: string[] }).tags)
      next = /^<(\/[^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
    }
    expect(seen).toEqual(['V3', 'main-42', 'v1', 'v2'])
  })

  it('are none where none are asked for', async () => {
    const answer = await get(`/v2/${shop}/tags/list?n=0`)
    expect(await answer.json()).toEqual({ name: shop, tags: [] })
  })

  it.each(['n=-1', 'n=x', 'n=1&n=2'])('refuse %s', async (query) => {
    expect(await refusalOf(await get(`/v2/${shop}/tags/list?${query}`))).toEqual([
      400,
      'UNSUPPORTED',
    ])
  })

  it('of what is not there are unknown', async () => {
    expect(await refusalOf(await get('/v2/acme/never/tags/list'))).toEqual([404, 'NAME_UNKNOWN'])
  })
})

describe('referrers', () => {
  const about = (type: string, annotations: Record<string, string>) =>
    pushArtifact(
      server.store,
      {
        repository: shop,
        artifactType: type,
        layers: [],
        annotations,
        tags: [],
        subject: { mediaType: mediaTypes.manifest, digest, size },
      },
      signal,
    )
  interface Index {
    schemaVersion: number
    mediaType: string
    manifests: { digest: string; artifactType: string; annotations?: object; size: number }[]
  }

  it('are listed with their types and annotations, and filtered', async () => {
    const sbom = await about('application/spdx+json', { a: '1' })
    const provenance = await about('application/vnd.in-toto+json', {})
    const answer = await get(`/v2/${shop}/referrers/${digest}`)
    expect(answer.headers.get('content-type')).toContain(mediaTypes.index)
    expect(answer.headers.get('oci-filters-applied')).toBeNull()
    const index = (await answer.json()) as Index
    expect(index).toMatchObject({ schemaVersion: 2, mediaType: mediaTypes.index })
    expect(new Set(index.manifests.map((one) => one.digest))).toEqual(
      new Set([sbom.digest, provenance.digest]),
    )
    const filtered = await get(
      `/v2/${shop}/referrers/${digest}?artifactType=application/spdx%2Bjson`,
    )
    expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType')
    expect(((await filtered.json()) as Index).manifests).toEqual([
      {
        mediaType: mediaTypes.manifest,
        digest: sbom.digest,
        size: sbom.size,
        artifactType: 'application/spdx+json',
        annotations: { a: '1' },
      },
    ])
    const first = await get(`/v2/${shop}/referrers/${digest}?n=1`)
    const next = /^<(.+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const pages = [await first.json(), await (await get(next)).json()] as Index[]
    expect(pages.flatMap((page) => page.manifests)).toEqual(index.manifests)
  })

  it('are none of what is not there', async () => {
    const answer = await get(`/v2/${shop}/referrers/${digestOf('never')}`)
    expect(answer.status).toBe(200)
    expect(((await answer.json()) as Index).manifests).toEqual([])
  })
})

describe('the catalog', () => {
  it('is for tokens without a limit', async () => {
    const answer = await get('/v2/_catalog')
    expect(await answer.json()).toEqual({
      repositories: [ociName('acme/shop-2', 'api'), other, shop].toSorted((a, b) =>
        a < b ? -1 : 1,
      ),
    })
    const page = await get('/v2/_catalog?n=1')
    expect(page.headers.get('link')).toMatch(/^<\/v2\/_catalog\?n=1&last=.+>; rel="next"$/)
    expect(await refusalOf(await get('/v2/_catalog', {}, limited))).toEqual([403, 'DENIED'])
  })
})

describe('a token that is limited to repositories', () => {
  it('sees the images of these, and nothing of others', async () => {
    expect((await get(`/v2/${shop}/manifests/v1`, {}, limited)).status).toBe(200)
    expect((await get(`/v2/${shop}/blobs/${blob}`, {}, limited)).status).toBe(200)
    for (const name of [other, ociName('acme/shop-2', 'api'), 'acme/never']) {
      for (const path of [
        `manifests/v1`,
        `manifests/${digest}`,
        `blobs/${blob}`,
        'tags/list',
        `referrers/${digest}`,
      ]) {
        const answer = await get(`/v2/${name}/${path}`, {}, limited)
        expect(await refusalOf(answer), `${name}/${path}`).toEqual([404, 'NAME_UNKNOWN'])
      }
    }
  })
})

describe('whatever would change something', () => {
  it.each([
    ['POST', `/v2/${shop}/blobs/uploads/`],
    ['PATCH', `/v2/${shop}/blobs/uploads/x`],
    ['PUT', `/v2/${shop}/manifests/v9`],
    ['DELETE', `/v2/${shop}/manifests/v1`],
    ['DELETE', `/v2/${shop}/blobs/${blob}`],
  ])('is refused: %s %s', async (method, path) => {
    const answer = await fetch(`http://${server.host}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${server.token}`,
        'content-type': 'application/octet-stream',
      },
      ...(method === 'DELETE' ? {} : { body: randomBytes(1000) }),
    })
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
    expect(await refusalOf(answer)).toEqual([405, 'UNSUPPORTED'])
    expect((await get(`/v2/${shop}/manifests/v1`)).status).toBe(200)
  })
})

describe('a path', () => {
  it.each([
    ['/v2/acme', 404, 'UNSUPPORTED'],
    ['/v2/Acme/manifests/v1', 400, 'NAME_INVALID'],
    ['/v2/a%2F..%2Fb/manifests/v1', 400, 'NAME_INVALID'],
    [`/v2/${'a'.repeat(400)}/tags/list`, 400, 'NAME_INVALID'],
    ['/v2/acme/shop/blobs/uploads/', 404, 'UNSUPPORTED'],
  ])('such as %.40s is refused', async (path, status, code) => {
    expect(await refusalOf(await get(path))).toEqual([status, code])
  })
})
