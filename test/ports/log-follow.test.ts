import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore } from '../../packages/server/src/logs/index.ts'
import {
  collect,
  forever,
  key,
  type LogPlace,
  makeLogPlace,
  numbered,
  textOf,
  until,
} from './log-place.ts'

let place: LogPlace
let store: LogStore

beforeEach(async () => {
  place = await makeLogPlace()
  store = place.makeStore()
})
afterEach(() => place.dispose())

describe('a follower', () => {
  it('sees a line before the log is sealed, and the end when it is', async () => {
    const writer = await store.open(key, { secrets: [] })
    const lines = store.follow(key, {}, forever)[Symbol.asyncIterator]()
    await writer.write(Buffer.from('one\n'))
    expect(await until(lines, 'one')).toBe('one\n')
    const waiting = until(lines, 'two')
    await writer.write(Buffer.from('two\nrest'))
    expect(await waiting).toBe('two\n')
    await writer.seal()
    expect(await until(lines, 'rest')).toBe('rest\n')
    expect((await lines.next()).done).toBe(true)
  })

  it('waits for a log that has not begun', async () => {
    const following = collect(store.follow(key, { after: 1 }, forever))
    const writer = await store.open(key, { secrets: [] })
    await writer.write(Buffer.from(numbered(1, 3)))
    await writer.seal()
    expect(textOf(await following, 2)).toBe(numbered(2, 3))
  })

  it('gets every line once, from whatever point it starts while the log is written', async () => {
    const writer = await store.open(key, { secrets: [] })
    const followers: Promise<void>[] = []
    for (let number = 1; number <= 2000; number++) {
      const written = writer.write(Buffer.from(`line ${number}\n`))
      if (number % 7 === 0) await written
      if (number % 100 === 0) {
        const after = number - 50
        const chunks = collect(store.follow(key, { after }, forever))
        followers.push(
          chunks.then((all) => expect(textOf(all, after + 1)).toBe(numbered(after + 1, 2000))),
        )
      }
    }
    expect(await writer.seal()).toMatchObject({ lines: 2000, sealed: true })
    await Promise.all(followers)
  })

  it('reads at its own pace', async () => {
    const writer = await store.open(key, { secrets: [] })
    const slow = store.follow(key, {}, forever)[Symbol.asyncIterator]()
    await writer.write(Buffer.from('first\n'))
    await until(slow, 'first')
    for (let i = 0; i < 100; i++)
      await writer.write(Buffer.from(numbered(i * 100 + 2, i * 100 + 101)))
    await writer.seal()
    let rest = ''
    for (let item = await slow.next(); !item.done; item = await slow.next())
      rest += item.value.data.toString()
    expect(rest).toBe(numbered(2, 10_001))
  })

  it('stops when it is told to, and when the store closes', async () => {
    await store.open(key, { secrets: [] })
    const stop = new AbortController()
    const told = collect(store.follow(key, {}, stop.signal))
    const closed = collect(store.follow(key, {}, forever))
    stop.abort()
    expect(await told).toEqual([])
    await store.close()
    expect(await closed).toEqual([])
  })

  it('sees what another process writes and seals', async () => {
    const other = place.makeStore()
    const writer = await other.open(key, { secrets: [] })
    const lines = store.follow(key, {}, forever)[Symbol.asyncIterator]()
    await writer.write(Buffer.from('one\n'))
    expect(await until(lines, 'one')).toBe('one\n')
    await writer.write(Buffer.from('two\n'))
    await writer.seal()
    expect(await until(lines, 'two')).toBe('two\n')
    expect((await lines.next()).done).toBe(true)
    await other.close()
  })
})
