import { PassThrough } from 'node:stream'
import { beforeEach, expect, it } from 'vitest'
import { createLargeBodyReader } from './read-large-bodies.ts'

let read: ReturnType<typeof createLargeBodyReader>
beforeEach(() => {
  read = createLargeBodyReader({ mostBytes: 4096, smallBytes: 100, largeAtOnce: 2 })
})

/** A body of which so much has been read, and no end. */
async function begin(bytes: number) {
  const body = new PassThrough()
  const whole = read(body)
  whole.catch(() => {})
  body.write(Buffer.alloc(bytes, 'x'))
  await expect.poll(() => body.readableLength).toBe(0)
  return { body, whole }
}
const busy = { code: 'unavailable', message: 'Too many large deliveries come at once' }

it('reads so many large bodies at once, and small ones always', async () => {
  const [first, second] = [await begin(1000), await begin(1000)]
  await expect((await begin(101)).whole).rejects.toMatchObject(busy)
  const small = await begin(100)
  small.body.end()
  expect(await small.whole).toEqual(Buffer.alloc(100, 'x'))
  first.body.end()
  expect(await first.whole).toHaveLength(1000)
  const third = await begin(101)
  await expect((await begin(101)).whole).rejects.toMatchObject(busy)
  for (const one of [second, third]) one.body.end()
  expect(await third.whole).toHaveLength(101)
})

it('gives back the place of one that breaks off, or is too large', async () => {
  const broken = await begin(200)
  broken.body.destroy(new Error('gone'))
  await expect(broken.whole).rejects.toThrow('gone')
  const large = await begin(5000)
  await expect(large.whole).rejects.toMatchObject({ code: 'payload_too_large' })
  // The rest of it is taken, and kept nowhere.
  large.body.end(Buffer.alloc(100_000))
  await expect.poll(() => large.body.readableLength).toBe(0)
  expect([await begin(200), await begin(200)]).toHaveLength(2)
  await expect((await begin(200)).whole).rejects.toMatchObject(busy)
})
