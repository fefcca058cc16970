import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { objectStoreSuite } from './object-store.suite.ts'

const quietLog = pino({ level: 'silent' })

async function filesUnder(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted()
}

objectStoreSuite('filesystem', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-store-'))
  return {
    store: createFilesystemObjectStore({ root, log: quietLog }),
    leftovers: () => filesUnder(root),
    dispose: () => rm(root, { recursive: true, force: true }),
  }
})

describe('filesystem object store', () => {
  let base: string
  let root: string

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'slipway-store-'))
    root = join(base, 'deep', 'root')
  })
  afterEach(() => rm(base, { recursive: true, force: true }))

  const make = () => createFilesystemObjectStore({ root, log: quietLog })

  it('keeps objects private to its user', async () => {
    await make().put('a/b', Buffer.from('x'))
    expect((await stat(join(root, 'a', 'b'))).mode & 0o077).toBe(0)
    expect((await stat(join(root, 'a'))).mode & 0o077).toBe(0)
  })

  it('removes folders that became empty', async () => {
    const store = make()
    await store.put('a/b/c', Buffer.from('x'))
    await store.put('a/d/e', Buffer.from('x'))
    await store.delete('a/b/c')
    expect(await readdir(join(root, 'a'))).toEqual(['d'])
    await store.deletePrefix('a/d/')
    expect((await readdir(root)).filter((name) => name === 'a')).toEqual([])
  })

  it('follows no symbolic link out of its folder', async () => {
    const outside = join(base, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'secret')
    const store = make()
    await store.check()
    await symlink(outside, join(root, 'link'))
    await symlink(join(outside, 'secret'), join(root, 'file'))
    await expect(store.get('link/secret')).rejects.toThrow('symbolic link')
    await expect(store.put('link/new', Buffer.from('x'))).rejects.toThrow('symbolic link')
    await expect(store.delete('link/secret')).rejects.toThrow('symbolic link')
    await expect(store.deletePrefix('link/sub/')).rejects.toThrow('symbolic link')
    expect(await store.get('file')).toBeNull()
    await store.deletePrefix('link/')
    expect(await readdir(outside)).toEqual(['secret'])
  })

  it('reads what another instance stored, and clears old leftovers only', async () => {
    await make().put('a', Buffer.from('x'))
    const [old, young] = ['old', 'young'].map((name) => join(root, '~incoming', name))
    await writeFile(old!, 'x')
    await writeFile(young!, 'x')
    await utimes(old!, 0, 0)
    const store = make()
    await store.check()
    expect(await store.head('a')).not.toBeNull()
    expect(await readdir(join(root, '~incoming'))).toEqual(['young'])
  })

  it('clears every leftover where it is alone', async () => {
    await make().put('a', Buffer.from('x'))
    await writeFile(join(root, '~incoming', 'young'), 'x')
    const store = createFilesystemObjectStore({ root, exclusive: true, log: quietLog })
    expect(await store.head('a')).not.toBeNull()
    expect(await readdir(join(root, '~incoming'))).toEqual([])
  })

  it('refuses a key below an object', async () => {
    const store = make()
    await store.put('a', Buffer.from('x'))
    await expect(store.put('a/b', Buffer.from('x'))).rejects.toThrow('EEXIST')
    expect(await filesUnder(root)).toEqual(['a'])
  })

  it('says when it cannot be written', async () => {
    await mkdir(join(base, 'deep'))
    await writeFile(root, 'a file in its place')
    await expect(make().check()).rejects.toThrow('ENOTDIR')
  })

  it('takes over a file from another device', async () => {
    // Shared memory is a file system of its own on every Linux.
    const other = await mkdtemp('/dev/shm/slipway-store-')
    try {
      const path = join(other, 'file')
      await writeFile(path, 'from afar')
      const store = make()
      await store.putFile('a/b', path)
      expect((await store.head('a/b'))?.size).toBe(9)
      expect(await readdir(other)).toEqual([])
    } finally {
      await rm(other, { recursive: true, force: true })
    }
  })
})
