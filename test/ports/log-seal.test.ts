import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../packages/server/src/logs/index.ts'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'
import {
  collect,
  forever,
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

describe('a sealed log', () => {
  it('is an object under its key, with nothing left where it was written', async () => {
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from('one\ntwo'))
    const stat = await writer.seal()
    expect(stat).toEqual({ bytes: 8, lines: 2, sealed: true })
    expect(await writer.seal()).toEqual(stat)
    expect(await store.stat(key)).toEqual(stat)
    expect((await place.objects.head(key))?.size).toBe(8)
    expect(await readdir(join(place.directory, 'logs'))).toEqual([])
    expect(await readText(place.makeStore())).toBe('one\ntwo\n')
    expect(textOf(await collect(store.follow(key, {}, forever)))).toBe('one\ntwo\n')
  })

  it('may be empty', async () => {
    const writer = await store.open(key, { secrets: [] })
    expect(await writer.seal()).toEqual({ bytes: 0, lines: 0, sealed: true })
    expect(await readText(store)).toBe('')
    expect(await store.stat(key)).toEqual({ bytes: 0, lines: 0, sealed: true })
  })

  it('goes on when it is opened again, numbers included', async () => {
    const first = await store.open(key, { secrets: [] })
    await first.write(Buffer.from(numbered(1, 100)))
    await first.seal()
    const second = await store.open(key, { secrets: [], marker: 'attempt 2' })
    expect(await store.stat(key)).toMatchObject({ lines: 101, sealed: false })
    const following = collect(store.follow(key, { after: 99 }, forever))
    await second.write(Buffer.from('more\n'))
    await second.seal()
    expect(textOf(await following, 100)).toBe('line 100\nattempt 2\nmore\n')
    expect(await readText(store)).toBe(`${numbered(1, 100)}attempt 2\nmore\n`)
    expect(await readText(store, { tail: 1 }, 102)).toBe('more\n')
  })

  it('can be sealed again when the object store did not take it', async () => {
    let broken = true
    const flaky: ObjectStore = {
      ...place.objects,
      putFile: (...input) =>
        broken ? Promise.reject(new Error('out of reach')) : place.objects.putFile(...input),
    }
    const other = place.makeStore(flaky)
    const writer = await other.open(key, { secrets: [] })
    await writer.write(Buffer.from('one\n'))
    await expect(writer.seal()).rejects.toThrow('out of reach')
    expect(await readText(other)).toBe('one\n')
    broken = false
    expect(await writer.seal()).toEqual({ bytes: 4, lines: 1, sealed: true })
    expect(await other.stat(key)).toEqual({ bytes: 4, lines: 1, sealed: true })
    await other.close()
  })
})

describe('deletePrefix', () => {
  it('deletes sealed logs and those being written, and ends their followers', async () => {
    const sealed = await store.open(key, { secrets: [] })
    await sealed.seal()
    const liveKey = key.replace('compile', 'test')
    const writer = await store.open(liveKey, { secrets: [] })
    await writer.write(Buffer.from('one\n'))
    const following = collect(store.follow(liveKey, {}, forever))
    await store.deletePrefix('pipeline-runs/1/')
    expect(textOf(await following)).toMatch(/^(one\n)?$/)
    await writer.write(Buffer.from('into the void\n'))
    expect(await writer.seal()).toMatchObject({ sealed: false })
    expect(await store.stat(key)).toBeNull()
    expect(await store.stat(liveKey)).toBeNull()
    expect(await readdir(join(place.directory, 'logs'))).toEqual([])
    await expect(store.open(liveKey, { secrets: [] })).resolves.toBeDefined()
  })
})
