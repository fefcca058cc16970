import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StartupError } from '../../errors.ts'
import { pieceBytes } from './archive-format.ts'
import { readArchive } from './read-archive.ts'
import { writeArchive } from './write-archive.ts'

const never = new AbortController().signal
let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-archive-'))
  path = join(folder, 'backup.tar')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function* chunksOf(...chunks: Buffer[]) {
  yield* chunks
}

async function write(files: Record<string, Buffer[]>): Promise<void> {
  const archive = writeArchive(path, never)
  for (const [name, chunks] of Object.entries(files)) await archive.put(name, chunksOf(...chunks))
  await archive.finish()
}

async function read(): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const { name, content } of readArchive(path, never)) {
    found[name] = (found[name] ?? '') + content.toString('latin1')
  }
  return found
}

describe('an archive', () => {
  it('gives back what was put, in pieces of a bounded size', async () => {
    const large = Buffer.alloc(2 * pieceBytes + 5, 'l')
    await write({
      empty: [],
      'a/b': [Buffer.from('one'), Buffer.from('two')],
      [`long/${'n'.repeat(200)}`]: [Buffer.from('x')],
      large: [large.subarray(0, 7), large.subarray(7)],
    })
    const sizes: [string, number, number][] = []
    for await (const { name, number, content } of readArchive(path, never)) {
      sizes.push([name.slice(0, 5), number, content.length])
    }
    expect(sizes).toEqual([
      ['empty', 1, 0],
      ['a/b', 1, 6],
      ['long/', 1, 1],
      ['large', 1, pieceBytes],
      ['large', 2, pieceBytes],
      ['large', 3, 5],
    ])
    expect((await read())['a/b']).toBe('onetwo')
  })

  it('is there when it is whole, for its owner only', async () => {
    const archive = writeArchive(path, never)
    await archive.put('a', chunksOf(Buffer.from('x')))
    expect((await readdir(folder)).includes('backup.tar')).toBe(false)
    await archive.finish()
    await archive.discard()
    expect(await readdir(folder)).toEqual(['backup.tar'])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('leaves nothing behind when it is given up or stopped', async () => {
    const given = writeArchive(path, never)
    await given.put('a', chunksOf(Buffer.from('x')))
    await given.discard()
    const stopping = new AbortController()
    const stopped = writeArchive(path, stopping.signal)
    await stopped.put('a', chunksOf(Buffer.from('x')))
    stopping.abort()
    await expect(stopped.put('b', chunksOf(Buffer.alloc(pieceBytes)))).rejects.toThrow('aborted')
    await stopped.discard()
    expect(await readdir(folder)).toEqual([])
  })

  it('says where it cannot be written', async () => {
    path = join(folder, 'missing', 'backup.tar')
    const archive = writeArchive(path, never)
    const writing = async () => {
      await archive.put('a', chunksOf(Buffer.alloc(pieceBytes)))
      await archive.finish()
    }
    await expect(writing()).rejects.toThrow('ENOENT')
    await archive.discard()
  })

  it('is refused when anything of it is cut off', async () => {
    await write({ a: [Buffer.from('content')], b: [Buffer.from('more')] })
    const { size } = await stat(path)
    // The blocks of zeroes at the end of a tar file say nothing.
    for (let length = 0; length < size - 1024; length += 301) {
      await truncate(path, length)
      await expect(read()).rejects.toThrow(StartupError)
      await write({ a: [Buffer.from('content')], b: [Buffer.from('more')] }).catch(() => undefined)
    }
  })

  it('is refused, or is what it was, when any byte of it is changed', async () => {
    await write({ a: [Buffer.from('content')], 'tables/b': [Buffer.alloc(900, 'b')], c: [] })
    const whole = await readFile(path)
    const before = await read()
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const damaged = Buffer.from(whole)
          damaged[at] = (damaged[at] ?? 0) ^ flip
          await writeFile(path, damaged)
          const after = await read().catch((error: unknown) => error)
          if (!(after instanceof StartupError)) expect(after).toEqual(before)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('is refused where it is something else, or not there', async () => {
    await writeFile(path, 'no archive at all')
    await expect(read()).rejects.toThrow(/cannot be restored/)
    path = join(folder, 'none.tar')
    await expect(read()).rejects.toThrow(`${path} cannot be read: ENOENT`)
  })
})
