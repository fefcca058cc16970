import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LogStore } from '../../packages/server/src/logs/index.ts'
import { hasLines, key, type LogPlace, makeLogPlace, readText } from './log-place.ts'

let place: LogPlace
let store: LogStore

beforeEach(async () => {
  place = await makeLogPlace()
  store = place.makeStore()
})
afterEach(() => place.dispose())

const stamp = /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\] /

/** The lines without their times, each of which is one between `since` and now, in order. */
async function unstamped(since: number): Promise<string[]> {
  const lines = (await readText(store)).split('\n').slice(0, -1)
  let last = since
  return lines.map((line) => {
    const at = Date.parse(stamp.exec(line)?.[1] ?? '')
    expect(at).toBeGreaterThanOrEqual(last)
    expect(at).toBeLessThanOrEqual(Date.now())
    last = at
    return line.replace(stamp, '')
  })
}

it('stamps output, notes and the marker, after masking and splitting', async () => {
  const since = Date.now()
  const writer = await store.open(key, {
    secrets: ['hunter22'],
    marker: '--- attempt 2 ---',
    stampLines: true,
  })
  await writer.write(Buffer.from('one hunt'))
  await writer.note('ours: hunter22')
  await writer.write(Buffer.from('er22\n\nthree\nopen'))
  await hasLines(store, 5)
  await writer.seal()
  expect(await unstamped(since)).toEqual([
    '--- attempt 2 ---',
    'ours: ***',
    'one ***',
    '',
    'three',
    'open',
  ])
})

it('says of each line when it came, not when its writer began', async () => {
  const since = Date.now()
  const writer = await store.open(key, { secrets: [], stampLines: true })
  await writer.note('one')
  const between = Date.now()
  await expect.poll(() => Date.now()).toBeGreaterThan(between + 5)
  await writer.note('two')
  await writer.seal()
  expect(await unstamped(since)).toEqual(['one', 'two'])
  const times = (await readText(store)).split('\n').map((line) => stamp.exec(line)?.[1])
  expect(Date.parse(times[0] ?? '')).toBeLessThanOrEqual(between)
  expect(Date.parse(times[1] ?? '')).toBeGreaterThan(between)
})

it('reads a log of longest lines from any of them on', async () => {
  const writer = await store.open(key, { secrets: [], stampLines: true })
  for (let n = 0; n < 5; n++) await writer.write(Buffer.from(`${String(n).repeat(65_536)}\n`))
  await writer.seal()
  expect(await readText(store, { after: 3 }, 4)).toMatch(/^\[.{24}\] 3+\n\[.{24}\] 4+\n$/)
  expect(await store.stat(key)).toMatchObject({ lines: 5, bytes: 5 * (65_537 + 27) })
})

it('stamps without brackets, with the time that it is told', async () => {
  let now = Date.parse('2026-01-02T03:04:05.006Z')
  const writer = await store.open(key, { secrets: [], stampLines: 'plain', clock: () => now })
  await writer.write(Buffer.from('one\n'))
  now += 1_000
  await writer.write(Buffer.from('two\n'))
  await writer.seal()
  expect(await readText(store)).toBe('2026-01-02T03:04:05.006Z one\n2026-01-02T03:04:06.006Z two\n')
})
