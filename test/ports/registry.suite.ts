import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  blobOf,
  buildArtifactManifest,
  digestOf,
  mediaTypes,
  pushArtifact,
} from '../../packages/server/src/oci/index.ts'
import type { BlobSource, Registry } from '../../packages/server/src/ports/registry.ts'

export interface RegistryUnderTest {
  registry: Registry
  dispose(): Promise<void>
}

const { signal } = new AbortController()

/** What every registry must do. */
export function registrySuite(name: string, make: () => Promise<RegistryUnderTest>): void {
  describe(`registry: ${name}`, () => {
    let subject: RegistryUnderTest
    let registry: Registry
    let count = 0
    /** A repository of its own for each test. */
    const fresh = () => `acme/shop/test-${++count}`

    beforeAll(async () => {
      subject = await make()
      registry = subject.registry
    })
    afterAll(() => subject.dispose())

    const readBlob = async (repository: string, digest: string) => {
      const found = await registry.getBlob(repository, digest, signal)
      if (found === null) return null
      const content = await buffer(found.body)
      expect(found.size).toBe(content.length)
      return content
    }
    /** A manifest of one layer, whose blobs have been uploaded. */
    const prepare = async (repository: string, content = randomBytes(64)) => {
      const layer = blobOf(content)
      const config = blobOf(Buffer.from('{}'))
      await registry.putBlob(repository, layer, signal)
      await registry.putBlob(repository, config, signal)
      const { digest, size } = layer
      return buildArtifactManifest({
        artifactType: 'application/vnd.test.thing',
        layers: [{ mediaType: 'application/octet-stream', digest, size }],
      })
    }

    it('is well', async () => {
      await registry.check(signal)
    })

    it('gives back what was put, empty and large too', async () => {
      const repository = fresh()
      for (const content of [Buffer.alloc(0), Buffer.from('{}'), randomBytes(5_000_000)]) {
        const blob = blobOf(content)
        await registry.putBlob(repository, blob, signal)
        expect((await readBlob(repository, blob.digest))?.equals(content)).toBe(true)
        await registry.putBlob(repository, blob, signal)
      }
    })

    it('knows nothing of what was never put', async () => {
      const repository = fresh()
      const digest = digestOf('never put')
      expect(await registry.getBlob(repository, digest, signal)).toBeNull()
      expect(await registry.getManifest(repository, digest, signal)).toBeNull()
      expect(await registry.getManifest(repository, 'latest', signal)).toBeNull()
    })

    it.each([
      ['other content', { digest: digestOf('hello'), size: 5 }, 'hallo'],
      ['less', { digest: digestOf('hello'), size: 5 }, 'hell'],
      ['more', { digest: digestOf('hello'), size: 5 }, 'hello, and more'],
    ])('refuses a blob with %s than it promises', async (_what, promise, content) => {
      const repository = fresh()
      const blob: BlobSource = { ...promise, open: () => Readable.from([Buffer.from(content)]) }
      await expect(registry.putBlob(repository, blob, signal)).rejects.toMatchObject({
        code: 'invalid_request',
      })
      expect(await registry.getBlob(repository, promise.digest, signal)).toBeNull()
    })

    it('passes on the error of a source that breaks, and keeps nothing', async () => {
      const repository = fresh()
      const digest = digestOf('broken')
      const open = () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('brok')
            throw new Error('the disk is gone')
          })(),
        )
      const put = registry.putBlob(repository, { digest, size: 6, open }, signal)
      await expect(put).rejects.toThrow(/^the disk is gone$/)
      expect(await registry.getBlob(repository, digest, signal)).toBeNull()
    })

    it('finds a manifest by its digest and by each of its tags', async () => {
      const repository = fresh()
      const { mediaType, content, digest } = await prepare(repository)
      const tags = ['v1.2.3', 'main-42', 'A_b.c-D']
      expect(await registry.putManifest(repository, { mediaType, content, tags }, signal)).toBe(
        digest,
      )
      for (const reference of [digest, ...tags]) {
        const found = await registry.getManifest(repository, reference, signal)
        expect(found).toMatchObject({ digest, mediaType })
        expect(found?.content.equals(content)).toBe(true)
      }
      expect(await registry.getManifest(repository, 'v1', signal)).toBeNull()
    })

    it('stores a manifest without a tag', async () => {
      const repository = fresh()
      const { mediaType, content, digest } = await prepare(repository)
      await registry.putManifest(repository, { mediaType, content, tags: [] }, signal)
      expect((await registry.getManifest(repository, digest, signal))?.digest).toBe(digest)
    })

    it('moves a tag, and keeps what it pointed at', async () => {
      const repository = fresh()
      const one = await prepare(repository)
      const other = await prepare(repository)
      for (const { mediaType, content } of [one, other, one, other]) {
        await registry.putManifest(repository, { mediaType, content, tags: ['latest'] }, signal)
      }
      expect((await registry.getManifest(repository, 'latest', signal))?.digest).toBe(other.digest)
      expect((await registry.getManifest(repository, one.digest, signal))?.digest).toBe(one.digest)
    })

    it('refuses a manifest whose blobs are not there, and shows no tag of it', async () => {
      const repository = fresh()
      const elsewhere = fresh()
      const { mediaType, content, digest } = await prepare(elsewhere)
      const put = registry.putManifest(repository, { mediaType, content, tags: ['v1'] }, signal)
      await expect(put).rejects.toMatchObject({ code: 'invalid_request' })
      expect(await registry.getManifest(repository, 'v1', signal)).toBeNull()
      expect(await registry.getManifest(repository, digest, signal)).toBeNull()
    })

    it('stores an index when its manifests are there, and refuses it before', async () => {
      const repository = fresh()
      const child = await prepare(repository)
      const index = {
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [
          {
            mediaType: child.mediaType,
            digest: child.digest,
            size: child.size,
            platform: { os: 'linux', architecture: 'amd64' },
          },
        ],
      }
      const manifest = {
        mediaType: mediaTypes.index,
        content: Buffer.from(JSON.stringify(index)),
        tags: ['all'],
      }
      await expect(registry.putManifest(repository, manifest, signal)).rejects.toMatchObject({
        code: 'invalid_request',
      })
      expect(await registry.getManifest(repository, 'all', signal)).toBeNull()
      const { mediaType, content } = child
      await registry.putManifest(repository, { mediaType, content, tags: [] }, signal)
      const digest = await registry.putManifest(repository, manifest, signal)
      expect(await registry.getManifest(repository, 'all', signal)).toMatchObject({
        digest,
        mediaType: mediaTypes.index,
      })
    })

    it('stores whole artifacts, twice and ten at once', async () => {
      const repository = fresh()
      const push = (tag: string, layers: readonly Buffer[]) =>
        pushArtifact(
          registry,
          {
            repository,
            artifactType: 'application/vnd.test.thing',
            layers: layers.map((content) => ({ mediaType: 'text/plain', content })),
            annotations: { 'org.opencontainers.image.revision': 'abc' },
            tags: [tag],
          },
          signal,
        )
      const shared = randomBytes(100_000)
      const numbers = Array.from({ length: 10 }, (_, number) => number)
      const pushed = await Promise.all(
        numbers.map((number) => push(`t${number}`, [shared, Buffer.from(`own ${number}`)])),
      )
      expect(new Set(pushed.map(({ digest }) => digest)).size).toBe(10)
      for (const [number, { digest, size }] of pushed.entries()) {
        const found = await registry.getManifest(repository, `t${number}`, signal)
        expect(found?.digest).toBe(digest)
        expect(found?.content.length).toBe(size)
      }
      const again = await push('t3', [shared, Buffer.from('own 3')])
      expect(again).toEqual(pushed[3])
      const empty = await push('none', [])
      expect((await registry.getManifest(repository, 'none', signal))?.digest).toBe(empty.digest)
    })

    it('stores what is about another manifest, even before that is there', async () => {
      const repository = fresh()
      const about = await prepare(repository)
      const { mediaType, digest, size } = about
      const subjectOf = { mediaType, digest, size }
      const pushAbout = (content: string) =>
        pushArtifact(
          registry,
          {
            repository,
            artifactType: 'application/vnd.test.note',
            layers: [{ mediaType: 'text/plain', content: Buffer.from(content) }],
            tags: [],
            subject: subjectOf,
          },
          signal,
        )
      const notes = await Promise.all(['one', 'two', 'three'].map(pushAbout))
      for (const note of notes) {
        const found = await registry.getManifest(repository, note.digest, signal)
        expect(JSON.parse(found?.content.toString() ?? '')).toMatchObject({ subject: subjectOf })
      }
    })

    it.each(['Acme/shop', '../acme', 'acme//shop', 'acme/shop/..', 'a b', ''])(
      'refuses the repository %j',
      async (repository) => {
        const blob = blobOf(Buffer.from('x'))
        await expect(registry.putBlob(repository, blob, signal)).rejects.toMatchObject({
          code: 'invalid_request',
        })
      },
    )

    it.each(['', '.', 'a/b', 'a'.repeat(129), 'ü'])('refuses the tag %j', async (tag) => {
      const repository = fresh()
      const { mediaType, content } = await prepare(repository)
      const put = registry.putManifest(repository, { mediaType, content, tags: [tag] }, signal)
      await expect(put).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('stops when it is told to, and shows nothing of what it had begun', async () => {
      const repository = fresh()
      const content = randomBytes(100_000)
      const stop = new AbortController()
      const open = () =>
        Readable.from(
          (async function* () {
            yield content.subarray(0, 50_000)
            stop.abort(new Error('enough'))
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
          })(),
        )
      const blob = { digest: digestOf(content), size: content.length, open }
      await expect(registry.putBlob(repository, blob, stop.signal)).rejects.toThrow(/enough|abort/)
      expect(await registry.getBlob(repository, blob.digest, signal)).toBeNull()
      await expect(registry.putBlob(repository, blob, stop.signal)).rejects.toThrow(/enough|abort/)
    })
  })
}
