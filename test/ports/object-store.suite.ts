import { randomBytes } from 'node:crypto'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'

/** A store of its own for one test, empty. */
export interface ObjectStoreUnderTest {
  store: ObjectStore
  /** The keys of everything that is stored or was begun, by the store's own means. */
  leftovers(): Promise<string[]>
  dispose(): Promise<void>
}

/** What every object store must do. */
export function objectStoreSuite(name: string, make: () => Promise<ObjectStoreUnderTest>): void {
  describe(`object store: ${name}`, () => {
    let subject: ObjectStoreUnderTest
    let store: ObjectStore
    let scratch: string

    beforeEach(async () => {
      subject = await make()
      store = subject.store
      scratch = await mkdtemp(join(tmpdir(), 'slipway-objects-'))
    })

    afterEach(async () => {
      await store.close()
      await subject.dispose()
      await rm(scratch, { recursive: true, force: true })
    })

    const read = async (key: string, range?: { start: number; end?: number }) => {
      const stream = await store.get(key, range)
      return stream === null ? null : (await buffer(stream)).toString('latin1')
    }

    it('returns what was put, from a buffer and from a stream', async () => {
      const bytes = randomBytes(300_000)
      await store.put('runs/1/a.log', bytes, { contentType: 'text/plain' })
      const chunks = [bytes.subarray(0, 1), bytes.subarray(1, 200_000), bytes.subarray(200_000)]
      await store.put('runs/1/b.log', Readable.from(chunks))
      await store.put('runs/1/empty', Buffer.alloc(0))
      expect(await read('runs/1/a.log')).toBe(bytes.toString('latin1'))
      expect(await read('runs/1/b.log')).toBe(bytes.toString('latin1'))
      expect(await read('runs/1/empty')).toBe('')
    })

    it('replaces an object', async () => {
      await store.put('a', Buffer.from('first and longer'))
      await store.put('a', Buffer.from('second'))
      expect(await read('a')).toBe('second')
    })

    it('tells the size and the time of an object', async () => {
      const before = Date.now()
      await store.put('a/b', Buffer.from('12345'))
      const found = await store.head('a/b')
      expect(found?.size).toBe(5)
      // Stores keep whole seconds, by a clock of their own.
      expect(Math.abs((found?.modifiedAt.getTime() ?? 0) - before)).toBeLessThan(60_000)
    })

    it('answers null for what is not there', async () => {
      await store.put('a/b', Buffer.from('x'))
      for (const key of ['missing', 'a', 'a/c', 'a/b/c']) {
        expect(await store.get(key)).toBeNull()
        expect(await store.head(key)).toBeNull()
        await expect(store.delete(key)).resolves.toBeUndefined()
      }
      await expect(store.deletePrefix('missing/')).resolves.toBeUndefined()
      expect(await read('a/b')).toBe('x')
    })

    it('reads ranges as HTTP does, and cuts them at the end', async () => {
      await store.put('a', Buffer.from('0123456789'))
      expect(await read('a', { start: 0, end: 0 })).toBe('0')
      expect(await read('a', { start: 3, end: 5 })).toBe('345')
      expect(await read('a', { start: 7 })).toBe('789')
      expect(await read('a', { start: 7, end: 100 })).toBe('789')
      expect(await read('a', { start: 10 })).toBe('')
      expect(await read('a', { start: 50, end: 60 })).toBe('')
    })

    it('takes over a file', async () => {
      const path = join(scratch, 'file')
      await writeFile(path, 'from a file')
      await store.put('a/b', Buffer.from('older'))
      await store.putFile('a/b', path, { contentType: 'text/plain' })
      expect(await read('a/b')).toBe('from a file')
      await expect(access(path)).rejects.toThrow('ENOENT')
    })

    it('refuses to take over a file that is not there', async () => {
      await expect(store.putFile('a/b', join(scratch, 'none'))).rejects.toThrow('ENOENT')
      expect(await subject.leftovers()).toEqual([])
    })

    it('shows the old object or the new one, never a part', async () => {
      const versions = ['a', 'b', 'c', 'd'].map((char) => char.repeat(400_000))
      await store.put('key', Buffer.from(versions[0]!))
      let writing = true
      const reader = (async () => {
        const seen: string[] = []
        while (writing) seen.push((await read('key'))!)
        return seen
      })()
      for (const version of versions) {
        const half = version.length / 2
        await store.put('key', Readable.from([version.slice(0, half), version.slice(half)]))
      }
      writing = false
      for (const seen of await reader) expect(versions).toContain(seen)
      expect(await read('key')).toBe(versions.at(-1))
    })

    it('leaves one whole object when two puts overlap', async () => {
      const bodies = ['x', 'y'].map((char) => char.repeat(200_000))
      await Promise.all(bodies.map((body) => store.put('key', Readable.from([body]))))
      expect(bodies).toContain(await read('key'))
      expect(await subject.leftovers()).toEqual(['key'])
    })

    it('keeps reading the object that was opened when it is replaced meanwhile', async () => {
      await store.put('key', Buffer.alloc(2_000_000, 'o'))
      const stream = await store.get('key')
      await store.put('key', Buffer.from('new'))
      expect((await buffer(stream!)).length).toBe(2_000_000)
    })

    it('leaves nothing behind, and the old object in place, when the body fails', async () => {
      await store.put('key', Buffer.from('old'))
      const broken = Readable.from(
        (async function* () {
          yield Buffer.alloc(100_000)
          throw new Error('the sender went away')
        })(),
      )
      await expect(store.put('key', broken)).rejects.toThrow('the sender went away')
      expect(await read('key')).toBe('old')
      expect(await subject.leftovers()).toEqual(['key'])
    })

    it('gives up a put that takes too long', async () => {
      const stuck = new Readable({ read() {} })
      stuck.push('a beginning')
      await expect(store.put('a/key', stuck, { timeoutMs: 50 })).rejects.toThrow('50 ms')
      expect(stuck.destroyed).toBe(true)
      expect(await subject.leftovers()).toEqual([])
    })

    it('refuses keys that are none, before anything is touched', async () => {
      const bad = ['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', '../x', 'a/./b', 'a b', 'ä']
      bad.push('a\0b', 'a\\b', 'a/~b', 'x'.repeat(201), 'y/'.repeat(512) + 'y', 'a\n', '%2e%2e/a')
      const file = join(scratch, 'kept')
      await writeFile(file, 'kept')
      for (const key of bad) {
        const body = Readable.from(['x'])
        await expect(store.put(key, body)).rejects.toThrow(TypeError)
        expect(body.destroyed).toBe(true)
        await expect(store.putFile(key, file)).rejects.toThrow(TypeError)
        await expect(store.get(key)).rejects.toThrow(TypeError)
        await expect(store.head(key)).rejects.toThrow(TypeError)
        await expect(store.delete(key)).rejects.toThrow(TypeError)
        if (key !== 'a/') await expect(store.deletePrefix(key)).rejects.toThrow(TypeError)
      }
      await expect(store.deletePrefix('a')).rejects.toThrow(TypeError)
      await expect(store.deletePrefix('../')).rejects.toThrow(TypeError)
      expect(await readFile(file, 'utf8')).toBe('kept')
      expect(await subject.leftovers()).toEqual([])
    })

    it('takes every key that is one', async () => {
      const keys = ['a', 'A.b-c_d@e+f=g', '.hidden/..x', `${'s'.repeat(200)}/${'t'.repeat(200)}`]
      for (const key of keys) {
        await store.put(key, Buffer.from(key))
        expect(await read(key)).toBe(key)
      }
    })

    it('deletes one, and all under a prefix', async () => {
      for (const key of ['r/1/a', 'r/1/b/c', 'r/10/a', 'r/1.log', 'q']) {
        await store.put(key, Buffer.from('x'))
      }
      await store.deletePrefix('r/1/')
      expect(await subject.leftovers()).toEqual(['q', 'r/1.log', 'r/10/a'])
      await store.delete('r/10/a')
      expect(await subject.leftovers()).toEqual(['q', 'r/1.log'])
    })

    it('puts under a prefix while it is deleted, or fails, but never loses what it confirmed', async () => {
      for (let round = 0; round < 20; round++) {
        await store.put('p/old/1', Buffer.from('x'))
        const [, put] = await Promise.allSettled([
          store.delete('p/old/1'),
          store.put('p/old/2', Buffer.from('kept')),
        ])
        expect(put.status).toBe('fulfilled')
        expect(await read('p/old/2')).toBe('kept')
        await store.deletePrefix('p/')
      }
    })

    it('says that it works', async () => {
      await expect(store.check()).resolves.toBeUndefined()
      expect(await subject.leftovers()).toEqual([])
    })

    it('gives links that work without a credential, or none', async () => {
      await store.put('a', Buffer.from('linked'))
      const link = await store.presign('a', 60)
      if (link !== null) expect(await (await fetch(link)).text()).toBe('linked')
    })
  })
}
