import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { blobOf, digestOf, mediaTypes, pushArtifact } from '../../packages/server/src/oci/index.ts'
import { startDockerRegistry } from '../support/docker-registry.ts'
import type { Fault, RegistryCall } from '../support/fault-registry.ts'
import { closing, openFailing, openRegistry, pushThing } from './registry-world.ts'

const { signal } = new AbortController()

describe('a registry that fails half-way', () => {
  const content = randomBytes(2_000_000)
  const first = (method: string, part: string) => (call: RegistryCall) =>
    call.method === method && call.url.includes(part) && call.time === 1

  it.each<[string, (call: RegistryCall) => boolean, Fault]>([
    ['is busy when it is asked for a blob', first('HEAD', '/blobs/'), 503],
    ['is busy when an upload begins', first('POST', '/uploads/'), 429],
    ['cuts the connection when an upload begins', first('POST', '/uploads/'), 'cut'],
    [
      'cuts the connection in the middle of an upload',
      first('PUT', '/uploads/'),
      { cutAfter: 100_000 },
    ],
    ['is busy at the end of an upload', first('PUT', '/uploads/'), 502],
    ['forgets an upload', first('PUT', '/uploads/'), 404],
    ['is busy when the manifest comes', first('PUT', '/manifests/'), 500],
    ['cuts the connection when the manifest comes', first('PUT', '/manifests/'), 'cut'],
  ])('and %s gets everything in the end', async (_what, hits, fault) => {
    const { server, registry } = await openFailing((call) => (hits(call) ? fault : null))
    const { digest } = await pushThing(registry, content)
    expect(digestOf(server.manifests.get('v1') ?? '')).toBe(digest)
    expect(server.blobs.get(digestOf(content))?.equals(content)).toBe(true)
  })

  it.each<[string, (call: RegistryCall) => Fault, string]>([
    ['is away', () => 'cut', 'unavailable'],
    ['never takes a blob', ({ method }) => (method === 'PUT' ? 500 : null), 'unavailable'],
    [
      'always cuts uploads',
      ({ method }) => (method === 'PUT' ? { cutAfter: 1000 } : null),
      'unavailable',
    ],
    [
      'never takes a manifest',
      ({ url }) => (url.includes('/manifests/') ? 503 : null),
      'unavailable',
    ],
    ['forbids it', ({ method }) => (method === 'POST' ? 403 : null), 'authorization_failed'],
    [
      'says that the content is wrong',
      ({ method }) => (method === 'PUT' ? badDigest : null),
      'invalid_request',
    ],
    ['leads nowhere', ({ method }) => (method === 'POST' ? 202 : null), 'unavailable'],
    [
      'leads to an unsafe place',
      ({ method }) =>
        method === 'POST'
          ? (answer) => void answer.writeHead(202, { location: 'ftp://x/y' }).end()
          : null,
      'unavailable',
    ],
  ])('and %s shows no tag, and the error says so', async (_what, fault, code) => {
    const { server, registry } = await openFailing(fault)
    await expect(pushThing(registry, content)).rejects.toMatchObject({
      name: 'AppError',
      code,
      message: expect.stringContaining(server.host),
    })
    expect(server.manifests.size).toBe(0)
  })

  const badDigest: Fault = (answer) =>
    void answer
      .writeHead(400, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errors: [{ code: 'DIGEST_INVALID', message: 'no\u001b[31m good' }] }))

  it('has its words in the error, without what a terminal would obey', async () => {
    const { registry } = await openFailing(({ method }) => (method === 'PUT' ? badDigest : null))
    await expect(pushThing(registry, content)).rejects.toThrow('400 DIGEST_INVALID no [31m good')
  })

  it('is told to forget uploads that do not end', async () => {
    const { server, registry } = await openFailing(({ method }) => (method === 'PUT' ? 500 : null))
    await expect(pushThing(registry, content)).rejects.toMatchObject({ code: 'unavailable' })
    await expect.poll(() => server.uploads.size).toBe(0)
    expect(server.calls.filter(({ method }) => method === 'POST')).toHaveLength(3)
  })

  it('and says nothing more is given up', async () => {
    const { registry } = await openFailing(({ method }) => (method === 'PUT' ? 'silence' : null), {
      stallMs: 200,
    })
    await expect(pushThing(registry, content)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('has taken nothing for 200 ms'),
    })
  })

  it('and reads nothing makes nobody read the whole blob into memory', async () => {
    const { registry } = await openFailing(({ method }) => (method === 'PUT' ? 'deafness' : null), {
      stallMs: 200,
    })
    const megabyte = Buffer.alloc(2 ** 20)
    let read = 0
    const open = () =>
      Readable.from(
        (function* () {
          for (read = 0; read < 200; read++) yield megabyte
        })(),
      )
    const blob = { digest: digestOf('of no importance'), size: 200 * 2 ** 20, open }
    await expect(registry.putBlob('acme/shop', blob, signal)).rejects.toMatchObject({
      message: expect.stringContaining('has taken nothing for 200 ms'),
    })
    expect(read).toBeLessThan(50)
  })

  it('and demands chunks gets chunks', async () => {
    const large = randomBytes(20_000_000)
    const { server, registry } = await openFailing((call) => {
      const isWhole = call.method === 'PUT' && call.headers['content-length'] !== '0'
      return isWhole && call.url.includes('/uploads/') ? 413 : null
    })
    await pushThing(registry, large)
    expect(server.blobs.get(digestOf(large))?.equals(large)).toBe(true)
    const ranges = server.calls
      .filter(({ method }) => method === 'PATCH')
      .map(({ headers }) => headers['content-range'])
    expect(ranges).toEqual(['0-8388607', '8388608-16777215', '16777216-19999999', '0-1'])
  })

  it('and fails the second of two tags has the first, and the same push completes it', async () => {
    let broken = true
    const { server, registry } = await openFailing(({ url }) =>
      broken && url.endsWith('/manifests/v2') ? 500 : null,
    )
    await expect(pushThing(registry, content, ['v1', 'v2'])).rejects.toMatchObject({
      code: 'unavailable',
    })
    broken = false
    const { digest } = await pushThing(registry, content, ['v1', 'v2'])
    for (const tag of ['v1', 'v2']) expect(digestOf(server.manifests.get(tag) ?? '')).toBe(digest)
  })

  it('is not blamed for a source that breaks, or cannot be opened, and that is not tried again', async () => {
    const { server, registry } = await openFailing(() => null)
    let opened = 0
    const blob = { digest: digestOf('whole content'), size: 13 }
    const breaks = () => {
      opened += 1
      return Readable.from(
        (async function* () {
          yield Buffer.from('whole')
          throw new Error('the disk is gone')
        })(),
      )
    }
    const put = registry.putBlob('acme/shop', { ...blob, open: breaks }, signal)
    await expect(put).rejects.toThrow(/^the disk is gone$/)
    const closed = () => Promise.reject(new Error('no such file'))
    const other = registry.putBlob('acme/shop', { ...blob, open: closed }, signal)
    await expect(other).rejects.toThrow(/^no such file$/)
    expect(opened).toBe(1)
    await expect.poll(() => server.uploads.size).toBe(0)
    expect(server.blobs.size).toBe(0)
  })

  it('and does not see at once what was uploaded is asked again', async () => {
    const unseen = { errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', message: 'blob unknown' }] }
    const { server, registry } = await openFailing(({ url, time }) =>
      url.endsWith('/manifests/v1') && time < 3
        ? (answer) => void answer.writeHead(404).end(JSON.stringify(unseen))
        : null,
    )
    const { digest } = await pushThing(registry, content)
    expect(digestOf(server.manifests.get('v1') ?? '')).toBe(digest)
  })

  it('gets what two push at once only once, and the one that stops does not wait', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const { server, registry } = await openFailing(() => null)
    const blob = blobOf(content)
    const slow = {
      ...blob,
      open: () =>
        Readable.from(
          (async function* () {
            await held
            yield content
          })(),
        ),
    }
    const first = registry.putBlob('acme/shop', slow, signal)
    await expect.poll(() => server.uploads.size).toBe(1)
    const stop = new AbortController()
    const stopped = registry.putBlob('acme/shop', blob, stop.signal)
    const second = registry.putBlob('acme/shop', blob, signal)
    stop.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    release()
    await Promise.all([first, second])
    expect(server.calls.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(server.blobs.get(blob.digest)?.equals(content)).toBe(true)
  })

  it('does not go on sending when the push is stopped', async () => {
    const stop = new AbortController()
    const { server, registry } = await openFailing(({ method }) => {
      if (method !== 'PUT') return null
      stop.abort(new Error('enough'))
      return 'silence'
    })
    const blob = blobOf(content)
    await expect(registry.putBlob('acme/shop', blob, stop.signal)).rejects.toThrow(/enough|abort/)
    expect(server.calls.filter(({ method }) => method === 'PUT')).toHaveLength(1)
    expect(server.blobs.size).toBe(0)
  })
})

describe('a registry that lies', () => {
  it('about a blob is found out', async () => {
    const { server, registry } = await openFailing(() => null)
    const digest = digestOf('the content')
    server.blobs.set(digest, Buffer.from('THE CONTENT'))
    const found = await registry.getBlob('acme/shop', digest, signal)
    await expect(buffer(found?.body ?? Readable.from([]))).rejects.toMatchObject({
      name: 'AppError',
    })
  })

  it('about a manifest is found out', async () => {
    const { server, registry } = await openFailing(() => null)
    const digest = digestOf('{}')
    server.manifests.set(digest, Buffer.from('{"a":1}'))
    await expect(registry.getManifest('acme/shop', digest, signal)).rejects.toMatchObject({
      code: 'unavailable',
    })
  })

  it('about what it has stored is found out', async () => {
    const { registry } = await openFailing(({ method, url }) =>
      method === 'PUT' && url.includes('/manifests/')
        ? (answer) => void answer.writeHead(201, { 'docker-content-digest': digestOf('x') }).end()
        : null,
    )
    await expect(pushThing(registry, Buffer.from('x'))).rejects.toMatchObject({
      code: 'unavailable',
    })
  })

  it('with an endless manifest is not read to its end', async () => {
    const { registry } = await openFailing(() => (answer) => {
      answer.writeHead(200, { 'content-type': mediaTypes.manifest })
      Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65_536, ' ')
        })(),
      ).pipe(answer)
    })
    await expect(registry.getManifest('acme/shop', 'v1', signal)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('4194304'),
    })
  })
})

describe('docker-registry', () => {
  it('gets a large blob that is never whole in memory, and gives it back so', async () => {
    const server = closing(await startDockerRegistry())
    const registry = openRegistry(server.host)
    const [pieces, piece] = [3_000, Buffer.alloc(65_536, 'x')]
    const whole = createHash('sha256')
    for (let index = 0; index < pieces; index++) whole.update(piece)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const look = () => void (most = Math.max(most, process.memoryUsage().arrayBuffers - before))
    const open = () =>
      Readable.from(
        (function* () {
          for (let index = 0; index < pieces; index++) {
            if (index % 100 === 0) look()
            yield piece
          }
        })(),
      )
    const digest = `sha256:${whole.digest('hex')}`
    const size = pieces * piece.length
    await registry.putBlob('acme/shop', { digest, size, open }, signal)
    const found = await registry.getBlob('acme/shop', digest, signal)
    let read = 0
    for await (const chunk of found?.body ?? []) {
      read += (chunk as Buffer).length
      look()
    }
    expect(read).toBe(size)
    expect(most).toBeLessThan(size / 2)
  })

  it('takes pushes of several servers that share content, all at once', async () => {
    const server = closing(await startDockerRegistry())
    const shared = randomBytes(50_000)
    for (let round = 0; round < 3; round++) {
      const pushed = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          pushArtifact(
            // An adapter of its own, as on another server.
            openRegistry(server.host, { pauseMs: 20 }),
            {
              repository: `acme/shop-${round}`,
              artifactType: 'application/vnd.test.thing',
              layers: [shared, Buffer.from(`own ${index}`)].map((layer) => ({
                mediaType: 'text/plain',
                content: layer,
              })),
              tags: [`t${index}`],
            },
            signal,
          ),
        ),
      )
      expect(new Set(pushed.map(({ digest }) => digest)).size).toBe(6)
    }
  })

  it('has an index of what is about a manifest, under the tag that the specification names', async () => {
    const server = closing(await startDockerRegistry())
    const registry = openRegistry(server.host)
    const { digest, size } = await pushThing(registry, randomBytes(10))
    const about = await Promise.all(
      ['one', 'two', 'three'].map((text) =>
        pushArtifact(
          registry,
          {
            repository: 'acme/shop',
            artifactType: 'application/vnd.test.note',
            layers: [{ mediaType: 'text/plain', content: Buffer.from(text) }],
            annotations: { text },
            tags: [],
            subject: { mediaType: mediaTypes.manifest, digest, size },
          },
          signal,
        ),
      ),
    )
    const found = await registry.getManifest('acme/shop', digest.replace(':', '-'), signal)
    const index = JSON.parse(found?.content.toString() ?? '')
    expect(found?.mediaType).toBe(mediaTypes.index)
    expect(new Set(index.manifests.map((one: { digest: string }) => one.digest))).toEqual(
      new Set(about.map((one) => one.digest)),
    )
    expect(index.manifests[0]).toMatchObject({
      artifactType: 'application/vnd.test.note',
      annotations: { text: expect.any(String) },
    })
  })
})
