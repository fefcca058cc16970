import { expect, it } from 'vitest'
import { createTimeSkipper, readLastLine } from './skip-by-time.ts'

const at = Date.parse('2026-01-02T03:04:05.006Z')

it.each([
  ['', null],
  ['\n', null],
  ['no time\n', null],
  ['2026-01-02T03:04:05.006Z \n', { at, text: '' }],
  ['the end of a line\n2026-01-02T03:04:05.006Z text of it\n', { at, text: 'text of it' }],
])('reads the last line of %j', (end, line) => {
  expect(readLastLine(Buffer.from(end))).toEqual(line)
})

it.each([
  ['begins behind the last line', at, [at + 1, at + 2], 'notice\n1\n2\n'],
  ['begins in its millisecond', at, [at, at + 1], 'notice\n1\n2\n'],
  ['begins before it', at, [at - 2, at - 1, at, at + 1], '3\n4\n'],
  ['is all there is', null, [at], 'notice\n1\n'],
  ['ends before it', at, [at - 1], ''],
])('goes on with what %s', (_, known, times, text) => {
  let now = 0
  const skipper = createTimeSkipper({
    last: known === null ? null : { at: known },
    now: () => now,
    notice: Buffer.from('notice\n'),
  })
  const out = times.flatMap((time, index) => {
    now = time
    return [...skipper.take([]), ...skipper.take([Buffer.from(`${index + 1}\n`)])]
  })
  expect(Buffer.concat([...out, ...skipper.rest()]).toString()).toBe(text)
})
