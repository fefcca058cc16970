import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../packages/server/src/logs/index.ts'
import {
  collect,
  forever,
  hasLines,
  key,
  type LogPlace,
  makeLogPlace,
  numbered,
  readText,
  textOf,
} from './log-place.ts'

let place: LogPlace
let store: LogStore

beforeEach(async () => {
  place = await makeLogPlace()
  store = place.makeStore()
})
afterEach(() => place.dispose())

describe('a log that is being written', () => {
  it('can be read from the first line on, before it is sealed', async () => {
    const writer = await store.open(key, { secrets: [] })
    expect(await readText(store)).toBe('')
    await writer.write(Buffer.from('one\ntw'))
    await hasLines(store, 1)
    expect(await readText(store)).toBe('one\n')
    await writer.write(Buffer.from('o\nthree\n'))
    await writer.note('our own')
    expect(await readText(store)).toBe('one\ntwo\nthree\nour own\n')
    expect(await store.stat(key)).toEqual({ bytes: 22, lines: 4, sealed: false })
  })

  it('begins with its marker', async () => {
    const writer = await store.open(key, { secrets: ['hunter22'], marker: 'attempt 1 of hunter22' })
    expect(await readText(store)).toBe('attempt 1 of ***\n')
    await writer.write(Buffer.from('x\n'))
    await hasLines(store, 2)
    expect(await readText(store)).toBe('attempt 1 of ***\nx\n')
  })

  it('is read after a line, and from its tail', async () => {
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from(numbered(1, 10)))
    await hasLines(store, 10)
    expect(await readText(store, { after: 7 })).toBe(numbered(8, 10))
    expect(await readText(store, { after: 10 })).toBe('')
    expect(await readText(store, { after: 99 })).toBe('')
    expect(await readText(store, { tail: 2 }, 9)).toBe(numbered(9, 10))
    expect(await readText(store, { tail: 0 })).toBe('')
    expect(await readText(store, { tail: 50 })).toBe(numbered(1, 10))
    expect(await readText(store, { after: 9, tail: 5 })).toBe(numbered(10, 10))
    expect(await readText(store, { after: 2, tail: 1 }, 10)).toBe(numbered(10, 10))
  })

  it('says when each line came', async () => {
    const writer = await store.open(key, { secrets: [] })
    const times: number[] = []
    for (const line of ['one\n', 'two\n', 'three\n']) {
      const before = Date.now()
      await writer.write(Buffer.from(line))
      times.push(before)
      await expect.poll(() => Date.now() - before).toBeGreaterThan(60)
    }
    await writer.seal()
    const chunks = await collect(store.read(key, {}, forever))
    expect(chunks.map((chunk) => chunk.data.toString())).toEqual(['one\n', 'two\n', 'three\n'])
    chunks.forEach((chunk, i) => expect(chunk.at.getTime()).toBeGreaterThanOrEqual(times[i]!))
    chunks.slice(1).forEach((chunk, i) => expect(+chunks[i]!.at).toBeLessThan(+chunk.at))
    const [third] = await collect(store.read(key, { after: 2 }, forever))
    expect(third?.at).toEqual(chunks[2]?.at)
  })

  it('has one writer at a time', async () => {
    const writer = await store.open(key, { secrets: [] })
    await expect(store.open(key, { secrets: [] })).rejects.toThrow('already being written')
    await writer.seal()
    await expect(writer.write(Buffer.from('late\n'))).rejects.toThrow('closed')
    await expect(writer.note('late')).rejects.toThrow('closed')
  })

  it('breaks a line of more than 64 KiB, between characters, and masks across the break', async () => {
    const writer = await store.open(key, { secrets: ['hunter22'] })
    await writer.write(Buffer.from('a'.repeat(65_535) + 'é'.repeat(50_000)))
    await writer.write(Buffer.from(`${'b'.repeat(65_536 - 34_466)}\n`))
    await writer.write(Buffer.from(`${'c'.repeat(65_532)}hunter22\n`))
    await writer.seal()
    const lines = (await readText(store)).split('\n').slice(0, -1)
    expect(lines.map((line) => Buffer.byteLength(line))).toEqual([65_535, 65_536, 65_534, 65_535])
    expect(lines.join('')).not.toContain('\ufffd')
    expect(lines[3]).toBe(`${'c'.repeat(65_532)}***`)
  })

  it('keeps carriage returns, NUL and bytes that are no UTF-8', async () => {
    const writer = await store.open(key, { secrets: ['hunter22'] })
    const bytes = Buffer.from([13, 0x31, 0x25, 13, 0, 0xff, 0xc3, 10])
    await writer.write(bytes)
    await hasLines(store, 1)
    const [chunk] = await collect(store.read(key, {}, forever))
    expect(chunk?.data).toEqual(bytes)
    expect(chunk?.lines).toBe(1)
  })

  it('never holds a secret, wherever the output was cut', async () => {
    const secret = 'tok"en/with=stuff'
    const writer = await store.open(key, { secrets: [secret] })
    const encoded = Buffer.from(`user:${secret}`).toString('base64')
    const output = Buffer.from(`a ${secret} b\nc ${encoded} ${JSON.stringify(secret)}\n`)
    for (const byte of output) await writer.write(Buffer.from([byte]))
    await writer.note(`own ${secret}`)
    await writer.seal()
    const text = await readText(store)
    expect(text).toMatch(/^a \*\*\* b\nc \S+\*\*\*\S* "\*\*\*"\nown \*\*\*\n$/)
    expect(text).not.toContain(encoded.slice(10, 20))
  })

  it('puts a note of ours before an unfinished line and does not tear the mask', async () => {
    const writer = await store.open(key, { secrets: ['hunter22'] })
    await writer.write(Buffer.from('open hunt'))
    await writer.note('two\nlines')
    await writer.write(Buffer.from('er22 end\n'))
    await hasLines(store, 2)
    expect(await readText(store)).toBe('two lines\nopen *** end\n')
  })

  it('gives bytes for ranges', async () => {
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from(numbered(1, 20_000)))
    await hasLines(store, 20_000)
    const bytes = async (start: number, end: number) => {
      const parts: Buffer[] = []
      for await (const part of store.readBytes(key, start, end)) parts.push(part)
      return Buffer.concat(parts).toString()
    }
    const check = async () => {
      expect(await bytes(0, 6)).toBe('line 1\n')
      expect(await bytes(7, 200_000)).toBe(numbered(1, 20_000).slice(7, 200_001))
      expect(await bytes(900_000, 900_001)).toBe('')
    }
    await check()
    await writer.seal()
    await check()
  })
})

describe('what is not there', () => {
  it('is null or empty', async () => {
    expect(await store.stat(key)).toBeNull()
    expect(await readText(store)).toBe('')
    for await (const part of store.readBytes(key, 0, 10)) expect(part).toBeNull()
    await expect(store.sealAbandoned(key)).resolves.toBeUndefined()
  })

  it('includes everything outside of the folder', async () => {
    for (const bad of ['../x.log', '/etc/passwd', 'a/../../b', 'a.idx', '']) {
      await expect(store.open(bad, { secrets: [] })).rejects.toThrow(TypeError)
      await expect(store.stat(bad)).rejects.toThrow(TypeError)
      await expect(collect(store.read(bad, {}, forever))).rejects.toThrow(TypeError)
      await expect(collect(store.follow(bad, {}, forever))).rejects.toThrow(TypeError)
      await expect(store.deletePrefix(bad)).rejects.toThrow(TypeError)
    }
  })
})

describe('any output', () => {
  it('reads after k as the lines k + 1 and on, live and sealed', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\n', ' ')),
      fc.nat(70_000).map((size) => 'L'.repeat(size)),
    )
    const scenario = fc.record({
      lines: fc.array(line, { maxLength: 30 }),
      sizes: fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 4 }),
      points: fc.array(fc.nat(32), { minLength: 1, maxLength: 3 }),
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(scenario, async ({ lines, sizes, points }) => {
        const own = `pipeline-runs/${++run}/a.log`
        const writer = await store.open(own, { secrets: [] })
        const following = collect(store.follow(own, { after: points[0]! }, forever))
        const output = Buffer.from(lines.map((each) => `${each}\n`).join(''))
        for (let at = 0, turn = 0; at < output.length; turn++) {
          const size = sizes[turn % sizes.length]!
          await writer.write(output.subarray(at, at + size))
          at += size
        }
        const broken = lines.flatMap((each) => {
          const bytes = Buffer.byteLength(each)
          return bytes <= 65_536 ? [each] : [each.slice(0, 65_536), each.slice(65_536)]
        })
        const check = async () => {
          for (const after of points) {
            const chunks = await collect(store.read(own, { after }, forever))
            expect(textOf(chunks, after + 1)).toBe(
              broken
                .slice(after)
                .map((each) => `${each}\n`)
                .join(''),
            )
          }
        }
        await hasLines(store, broken.length, own)
        await check()
        expect(await writer.seal()).toMatchObject({ lines: broken.length })
        await check()
        expect(textOf(await following, points[0]! + 1)).toBe(
          broken
            .slice(points[0])
            .map((each) => `${each}\n`)
            .join(''),
        )
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
