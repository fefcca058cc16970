import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf, measuring, verifying } from './digests.ts'

const stream = (...chunks: string[]) => Readable.from(chunks.map((text) => Buffer.from(text)))

describe('measuring', () => {
  it('knows digest and size however the content is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string()), async (chunks) => {
        const measured = measuring()
        const content = await buffer(stream(...chunks).pipe(measured.stream))
        expect(measured.result()).toEqual({ digest: digestOf(content), size: content.length })
      }),
    )
  })
})

describe('verifying', () => {
  const expected = { digest: digestOf('hello'), size: 5 }
  const through = (...chunks: string[]) => {
    const check = verifying(expected)
    return buffer(stream(...chunks).pipe(check))
  }

  it('lets through what is right', async () => {
    expect((await through('hel', 'lo')).toString()).toBe('hello')
  })

  it.each([
    [['hallo'], 'is that of sha256:'],
    [['hell'], 'should have 5 bytes and has only 4'],
    [['hello', '!'], 'should have 5 bytes and has more than 5'],
    [[], 'has only 0'],
  ])('fails on %j', async (chunks, message) => {
    await expect(through(...chunks)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(message),
    })
  })
})
