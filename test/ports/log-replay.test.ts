import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogStore, LogWriter } from '../../packages/server/src/logs/index.ts'
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

describe('a log of which the beginning is not written again', () => {
  const at = Date.parse('2026-01-02T03:04:05.000Z')
  const open = async (run: (write: (ms: number) => void, writer: LogWriter) => Promise<void>) => {
    let now = 0
    const writer = await store.open(key, { ...options, stampLines: 'plain', clock: () => at + now })
    await run((ms) => {
      now = ms
      void writer.write(Buffer.from(`${ms}\n`))
    }, writer)
    await writer.suspend()
  }
  const lines = async () =>
    (await readText(store)).split('\n').map((line) => line.slice(line.indexOf(' ') + 1))
  const missing = '--- some output is missing here: it was not to be had any more ---'
  beforeEach(() => open(async (write) => [1, 2, 3].forEach(write)))

  it.each([
    ['some lines are missing', [7, 8], ['1', '2', '3', missing, '7', '8']],
    ['none is missing', [2, 3, 7], ['1', '2', '3', '3', '7']],
    ['nothing is left', [], ['1', '2', '3', missing]],
  ])('goes on where %s', async (_, again, whole) => {
    await open(async (write, writer) => {
      await writer.missed()
      again.forEach(write)
      await writer.note('over')
      await writer.end()
    })
    expect(await lines()).toEqual([...whole, 'over', ''])
  })

  it('says so in the middle, too', async () => {
    await open(async (write, writer) => {
      for (const ms of [1, 2, 3, 4]) write(ms)
      await writer.missed()
      for (const ms of [7, 8]) write(ms)
    })
    expect(await lines()).toEqual(['1', '2', '3', '4', missing, '7', '8', ''])
  })
})
