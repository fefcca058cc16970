import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LogStore } from '../../packages/server/src/logs/index.ts'
import { key, type LogPlace, makeLogPlace, readText } from './log-place.ts'

let place: LogPlace
let store: LogStore

beforeEach(async () => {
  place = await makeLogPlace()
  store = place.makeStore()
})
afterEach(() => place.dispose())

const options = { secrets: ['hunter22'], replayed: true }
const whole = ['one hunter22\n', 'two\nthr', 'ee ', 'and more hunt', 'er22\nfour\n', 'five']
const text = 'one ***\ntwo\nthree and more ***\nfour\n'

it.each(whole.map((_, count) => count))(
  'goes on with a log after %i pieces, when all of it is written again',
  async (count) => {
    const before = await store.open(key, options)
    for (const piece of whole.slice(0, count)) await before.write(Buffer.from(piece))
    await before.suspend()
    const after = await store.open(key, options)
    for (const piece of whole) await after.write(Buffer.from(piece))
    await after.note('over')
    await after.end()
    expect(await readText(store)).toBe(`${text}over\nfive\n`)
    // Its writer died before it could say so.
    await after.suspend()
    const again = await store.open(key, options)
    for (const piece of whole) await again.write(Buffer.from(piece))
    await again.note('over')
    await again.seal()
    expect(await readText(store)).toBe(`${text}over\nfive\n`)
  },
)
