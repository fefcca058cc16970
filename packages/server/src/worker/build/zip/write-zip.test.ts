import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { fromBufferPromise } from 'yauzl'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readZip } from '../../../../../../test/support/read-zip.ts'
import { listTree } from './list-tree.ts'
import { writeZip } from './write-zip.ts'

const never = new AbortController().signal
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-zip-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
})

async function pack(directory: string, progress: (bytes: number) => void = () => {}) {
  const entries = await listTree(directory, never)
  const chunks: Buffer[] = []
  for await (const chunk of writeZip({ directory, entries, progress }, never)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

type Tree = Map<
  string,
  { kind: 'file' | 'link' | 'folder'; content: Buffer; isExecutable: boolean }
>

/** Names are in Latin-1, one character a byte. */
async function plant(directory: string, tree: Tree): Promise<void> {
  const at = (name: string) => Buffer.from(`${directory}/${name}`, 'latin1')
  await mkdir(directory, { recursive: true })
  for (const [name, { kind, content, isExecutable }] of tree) {
    const folder = name.split('/').slice(0, kind === 'folder' ? undefined : -1)
    await mkdir(at(folder.join('/')), { recursive: true })
    if (kind === 'link') await symlink(content, at(name))
    if (kind !== 'file') continue
    await writeFile(at(name), content)
    await chmod(at(name), isExecutable ? 0o755 : 0o644)
  }
}

const modes = { link: 0o120777, folder: 0o040755 }

/** What a reader is to find. */
function expected(tree: Tree) {
  return [...tree]
    .map(([name, { kind, content, isExecutable }]) => ({
      name: Buffer.from(kind === 'folder' ? `${name}/` : name, 'latin1'),
      mode: kind === 'file' ? (isExecutable ? 0o100755 : 0o100644) : modes[kind],
      content: kind === 'folder' ? Buffer.alloc(0) : content,
    }))
    .toSorted((a, b) => Buffer.compare(a.name, b.name))
}

const byte = fc
  .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 1, max: 255 }))
  .filter((code) => code !== 0x2f && code !== 0x5c)
const part = fc
  .array(byte, { minLength: 1, maxLength: 12 })
  .map((codes) => String.fromCharCode(...codes))
  .filter((name) => name !== '.' && name !== '..' && name !== '.git')
const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.string({ minLength: 1 }), fc.nat(3_000))
    .map(([text, n]) => Buffer.from(text.repeat(n))),
)
const target = fc.array(byte, { minLength: 1, maxLength: 20 }).map((codes) => Buffer.from(codes))
const entry = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('file' as const),
      content,
      isExecutable: fc.boolean(),
    }),
  },
  fc.record({
    kind: fc.constant('link' as const),
    content: target,
    isExecutable: fc.constant(false),
  }),
  fc.record({
    kind: fc.constant('folder' as const),
    content: fc.constant(Buffer.alloc(0)),
    isExecutable: fc.constant(false),
  }),
)
const trees = fc
  .array(fc.tuple(fc.array(part, { minLength: 1, maxLength: 4 }), entry), { maxLength: 15 })
  .map((entries) => {
    const tree: Tree = new Map()
    for (const [parts, made] of entries) {
      const name = parts.join('/')
      // No name is a folder of another.
      const clashes = [...tree.keys()].some(
        (other) => `${other}/`.startsWith(`${name}/`) || `${name}/`.startsWith(`${other}/`),
      )
      if (!clashes) tree.set(name, made)
    }
    return tree
  })

describe('writeZip', () => {
  it('packs any tree so that it is read as it was, and to the same bytes each time', async () => {
    let count = 0
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        const [one, other] = [join(root, `${++count}`), join(root, `${count}-again`)]
        await plant(one, tree)
        await plant(other, new Map([...tree].toReversed()))
        const zip = await pack(one)
        expect(await readZip(zip)).toEqual(expected(tree))
        expect((await pack(other)).equals(zip)).toBe(true)
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('packs files of several blocks, compressible and not, and tells how far it is', async () => {
    const noise = (seed: string, bytes: number) => {
      const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, n) =>
        createHash('sha256').update(`${seed}${n}`).digest(),
      )
      return Buffer.concat(blocks).subarray(0, bytes)
    }
    const mebibyte = 1024 * 1024
    const block = noise('block', 20_000)
    const files: [string, Buffer][] = [
      ['exactly one block', noise('a', mebibyte)],
      ['one byte more', noise('b', mebibyte + 1)],
      ['random', noise('c', 3 * mebibyte + 17)],
      ['zeros', Buffer.alloc(4 * mebibyte)],
      // Each block refers to the one before.
      ['repeated', Buffer.concat(Array.from({ length: 200 }, () => block))],
      ['empty', Buffer.alloc(0)],
    ]
    const tree: Tree = new Map(
      files.map(([name, bytes]) => [name, { kind: 'file', content: bytes, isExecutable: false }]),
    )
    await plant(root, tree)
    const told: number[] = []
    const zip = await pack(root, (bytes) => void told.push(bytes))
    const read = await readZip(zip)
    for (const [i, { name, content: bytes }] of expected(tree).entries()) {
      expect(read[i]?.name.toString()).toBe(name.toString())
      expect(read[i]?.content.equals(bytes)).toBe(true)
    }
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(told.at(-1)).toBe(files.reduce((sum, [, bytes]) => sum + bytes.length, 0))
    // Only what is random stays as large as it was, and the first of the repeated blocks.
    const random = 5 * mebibyte + 18
    expect(zip.length).toBeLessThan(random + block.length + 50_000)
  }, 30_000)

  it('holds no .git, wherever it is, nor times, owners and other rights', async () => {
    const file = { kind: 'file' as const, content: Buffer.from('x'), isExecutable: false }
    await plant(join(root, 'a'), new Map([['src/x', file]]))
    await plant(
      join(root, 'b'),
      new Map([
        ['src/x', file],
        ['.git/config', file],
        ['src/.git', file],
      ]),
    )
    await utimes(join(root, 'b/src/x'), new Date(0), new Date(0))
    await chmod(join(root, 'b/src/x'), 0o600)
    const zip = await pack(join(root, 'b'))
    expect(zip.equals(await pack(join(root, 'a')))).toBe(true)
    expect((await readZip(zip)).map(({ name }) => name.toString())).toEqual(['src/x'])
  })

  it('depends on no time zone', async () => {
    await plant(
      root,
      new Map([['x', { kind: 'file', content: Buffer.from('x'), isExecutable: false }]]),
    )
    const before = process.env['TZ']
    onTestFinished(() => {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    })
    const zips = []
    for (const zone of ['UTC', 'Asia/Tokyo', 'America/Los_Angeles']) {
      process.env['TZ'] = zone
      zips.push((await pack(root)).toString('hex'))
    }
    expect(new Set(zips).size).toBe(1)
  })

  it('keeps links that lead out, and follows none', async () => {
    await writeFile(join(root, 'secret'), 'outside')
    await mkdir(join(root, 'tree'))
    await symlink('../secret', join(root, 'tree', 'file'))
    await symlink('/etc', join(root, 'tree', 'folder'))
    const read = await readZip(await pack(join(root, 'tree')))
    expect(read.map(({ name, mode, content: to }) => [String(name), mode, String(to)])).toEqual([
      ['file', 0o120777, '../secret'],
      ['folder', 0o120777, '/etc'],
    ])
  })

  it('has more entries than 16 bits can count', async () => {
    const entries = Array.from({ length: 70_000 }, (_, n) => ({
      kind: 'folder' as const,
      name: Buffer.from(`${n}/`),
      size: 0,
      isExecutable: false,
    }))
    const chunks: Buffer[] = []
    const writing = writeZip({ directory: root, entries, progress: () => {} }, never)
    for await (const chunk of writing) chunks.push(chunk)
    const zip = await fromBufferPromise(Buffer.concat(chunks), { lazyEntries: true })
    const names: string[] = []
    for await (const { fileName } of zip.eachEntry()) names.push(fileName)
    expect(names).toEqual(entries.map(({ name }) => name.toString()))
  }, 30_000)

  it.each(['..\\..\\evil', '\\evil', 'C:\\evil', 'a\\..\\..\\evil'])(
    'refuses %j, which is a way out on Windows',
    async (name) => {
      await writeFile(join(root, name), '')
      await expect(pack(root)).rejects.toThrow(/cannot be packed: it leads out/)
    },
  )

  it('keeps a backslash that leads nowhere', async () => {
    await writeFile(join(root, 'a\\b'), 'x')
    expect((await readZip(await pack(root)))[0]?.name.toString()).toBe('a\\b')
  })

  it('refuses what is no file, and one that changed', async () => {
    await writeFile(join(root, 'log'), 'x'.repeat(2_000_000))
    const entries = await listTree(root, never)
    await truncate(join(root, 'log'), 1_500_000)
    const writing = writeZip({ directory: root, entries, progress: () => {} }, never)
    const write = async () => {
      for await (const chunk of writing) expect(chunk.length).toBeGreaterThan(0)
    }
    await expect(write()).rejects.toThrow('"log" changed while it was packed')
    const server = createServer().listen(join(root, 'socket'))
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    await expect(listTree(root, never)).rejects.toThrow('"socket" is neither a file nor')
  })

  it('stops when it is told to', async () => {
    await writeFile(join(root, 'zeros'), Buffer.alloc(20_000_000))
    const entries = await listTree(root, never)
    const stop = new AbortController()
    const zip = writeZip({ directory: root, entries, progress: () => stop.abort() }, stop.signal)
    const write = async () => {
      for await (const chunk of zip) expect(chunk.length).toBeGreaterThan(0)
    }
    await expect(write()).rejects.toThrow('aborted')
    await expect(listTree(root, stop.signal)).rejects.toThrow('aborted')
  })
})
