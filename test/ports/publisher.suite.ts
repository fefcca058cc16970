import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Publication, Publisher } from '../../packages/server/src/ports/publisher.ts'

/** One kind of place, with a publisher that reaches it. */
export interface PublisherWorld {
  publisher: Publisher
  /** The publisher's own keys. */
  with: Record<string, unknown>
  credential: string | null
  /** What is at the URI of a publication; null when there is nothing. */
  read(uri: string): Promise<Buffer | null>
  /** Everything that is visible in the place. */
  list(): Promise<string[]>
  close(): Promise<void>
}

export const unaborted = new AbortController().signal

/** Content of `size` random bytes, or the given one. */
export function fileContent(content: Buffer | number, fileName = 'tool.tar.gz') {
  const bytes = typeof content === 'number' ? randomBytes(content) : content
  return {
    kind: 'file',
    fileName,
    mediaType: 'application/gzip',
    size: bytes.length,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    open: () => Readable.from([bytes], { objectMode: false }),
    bytes,
  } as const
}

export const artifact = {
  name: 'tool',
  type: 'archive',
  repository: 'acme/shop',
  project: 'api',
  commitSha: '0123456789abcdef0123456789abcdef01234567',
  ref: 'main',
} as const

/** What every publisher of files does. */
export function publisherSuite(name: string, open: () => Promise<PublisherWorld>): void {
  describe(`publisher ${name}`, () => {
    let world: PublisherWorld
    beforeAll(async () => {
      world = await open()
    }, 120_000)
    afterAll(() => world.close())

    const publication = (content: Publication['content']): Publication => ({
      artifact,
      content,
      with: world.with,
      credential: world.credential,
      askedBy: null,
    })
    const publish = (content: Publication['content'], signal = unaborted) =>
      world.publisher.publish(publication(content), signal)

    it.each([1, 70_000, 40_000_000])('publishes %d bytes as they are', async (size) => {
      const content = fileContent(size)
      const published = await publish(content)
      if ('skipped' in published) throw new Error(published.skipped)
      expect(published.digest).toBe(content.digest)
      expect(published.uri).toContain('acme/shop/api/0123456789abcdef')
      expect((await world.read(published.uri))?.equals(content.bytes)).toBe(true)
    })

    it('changes nothing when it publishes again', async () => {
      const content = fileContent(1000)
      const first = await publish(content)
      const before = await world.list()
      expect(await publish(content)).toEqual(first)
      expect(await world.list()).toEqual(before)
    })

    it('leaves nothing when the content breaks off', async () => {
      const before = await world.list()
      const content = {
        ...fileContent(1000),
        open: () =>
          Readable.from(
            (async function* () {
              yield Buffer.alloc(500)
              throw new Error('broken off')
            })(),
            { objectMode: false },
          ),
      }
      await expect(publish(content)).rejects.toThrow(Error)
      expect(await world.list()).toEqual(before)
    })

    it('ends when it is aborted, and leaves nothing', async () => {
      const before = await world.list()
      const stop = new AbortController()
      const content = {
        ...fileContent(1000),
        open: () =>
          new Readable({
            read() {
              stop.abort(new Error('stopped'))
            },
          }),
      }
      await expect(publish(content, stop.signal)).rejects.toThrow(/stopped|abort/i)
      expect(await world.list()).toEqual(before)
    })

    it('takes no image', async () => {
      const image = { kind: 'image', push: () => Promise.reject(new Error('pushed')) } as const
      await expect(publish(image)).rejects.toThrow('only publishers of type oci take')
    })

    it.each(['..', 'a/b', 'a\nb', ''])('refuses the file name %j', async (fileName) => {
      await expect(publish(fileContent(10, fileName))).rejects.toThrow('cannot have the name')
    })
  })
}
