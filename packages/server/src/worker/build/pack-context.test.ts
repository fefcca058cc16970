import { execFile } from 'node:child_process'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { packContext } from './pack-context.ts'
import { listTree } from './zip/list-tree.ts'

const run = promisify(execFile)
const { signal } = new AbortController()

async function scratch(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-context-'))
  onTestFinished(() => rm(root, { recursive: true }))
  return root
}

async function pack(directory: string): Promise<Buffer> {
  const entries = await listTree(directory, signal)
  return buffer(Readable.from(packContext({ directory, entries }, signal), { objectMode: false }))
}

/** What tar(1) unpacks. */
async function unpack(archive: Buffer): Promise<string> {
  const folder = await scratch()
  const file = join(await scratch(), 'context.tar')
  await writeFile(file, archive)
  await run('tar', ['-xf', file, '-C', folder])
  return folder
}

it('packs what tar unpacks: names, contents, links, rights', async () => {
  const tree = await scratch()
  const long = 'n'.repeat(90)
  await mkdir(join(tree, long, long), { recursive: true })
  await mkdir(join(tree, 'empty'))
  await writeFile(join(tree, long, long, 'deep'), 'deep')
  await writeFile(join(tree, 'run.sh'), '#!/bin/sh\n')
  await chmod(join(tree, 'run.sh'), 0o700)
  await writeFile(join(tree, 'nothing'), '')
  await writeFile(join(tree, 'block'), Buffer.alloc(512, 'x'))
  await writeFile(join(tree, 'large'), Buffer.alloc(600_001, 'y'))
  await writeFile(join(tree, 'näme ☃'), 'snow')
  const bytes = Buffer.from([0x62, 0xff, 0xfe, 0x5c, 0x22])
  await writeFile(Buffer.concat([Buffer.from(`${tree}/`), bytes]), 'no text')
  await symlink('../../etc/passwd', join(tree, 'out'))
  await symlink('t'.repeat(200), join(tree, 'far'))

  const archive = await pack(tree)
  const unpacked = await unpack(archive)
  const names = await readdir(unpacked, { encoding: 'buffer' })
  expect(names).toEqual(expect.arrayContaining([bytes]))
  await run('diff', ['-r', '--no-dereference', tree, unpacked])
  const { stdout } = await run('find', [unpacked, '-printf', '%y %m %Ts %f\\n'])
  expect(stdout).toContain('f 755 315532800 run.sh\n')
  expect(stdout).toContain('f 644 315532800 large\n')
  expect(await readFile(join(unpacked, 'large'))).toHaveLength(600_001)
})

it('depends on nothing but the tree', async () => {
  const [one, other] = [await scratch(), await scratch()]
  for (const tree of [one, other]) {
    await writeFile(join(tree, 'b'), 'b')
    await writeFile(join(tree, 'a'), 'a')
  }
  await utimes(join(other, 'a'), 1, 1)
  await chmod(join(other, 'b'), 0o600)
  expect(await pack(one)).toEqual(await pack(other))
})

it('says which file changed meanwhile', async () => {
  const tree = await scratch()
  await writeFile(join(tree, 'a'), 'a')
  const entries = await listTree(tree, signal)
  const packing = () => buffer(Readable.from(packContext({ directory: tree, entries }, signal)))
  await writeFile(join(tree, 'a'), 'ab')
  const changed = { code: 'invalid_request', message: expect.stringContaining('"a" changed') }
  await expect(packing()).rejects.toMatchObject(changed)
  await rm(join(tree, 'a'))
  await symlink('/etc/passwd', join(tree, 'a'))
  await expect(packing()).rejects.toMatchObject(changed)
})

it('ends when it is aborted', async () => {
  const tree = await scratch()
  await writeFile(join(tree, 'a'), 'a')
  const entries = await listTree(tree, signal)
  const stopped = AbortSignal.abort(new Error('enough'))
  const packing = packContext({ directory: tree, entries }, stopped)
  await expect(buffer(Readable.from(packing))).rejects.toThrow('enough')
})
