import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toLogFrames } from './to-log-frames.ts'

const at = new Date('2024-01-08T10:00:09.000Z')
const framesOf = (text: string, seq = 1) =>
  toLogFrames({ seq, lines: text.split('\n').length - 1, at, data: Buffer.from(text) }).map(
    (frame) => JSON.parse(frame.toString()) as object,
  )

it('takes the time from in front of each line', () => {
  // Enhanced Pipeline API Documentation, "GET /api/pipelines/runs/{run_id}/logs".
  const text =
    '[2024-01-08T10:00:00Z] Pipeline run created. Waiting for execution.\n' +
    '[2024-01-08T10:01:00.123Z] Starting pipeline execution...\n'
  expect(framesOf(text, 7)).toEqual([
    {
      type: 'log',
      seq: 7,
      timestamp: '2024-01-08T10:00:00Z',
      line: 'Pipeline run created. Waiting for execution.',
    },
    {
      type: 'log',
      seq: 8,
      timestamp: '2024-01-08T10:01:00.123Z',
      line: 'Starting pipeline execution...',
    },
  ])
})

it('gives a line that has no time that of its arrival', () => {
  expect(framesOf('[x] y\n\n')).toEqual([
    { type: 'log', seq: 1, timestamp: at.toISOString(), line: '[x] y' },
    { type: 'log', seq: 2, timestamp: at.toISOString(), line: '' },
  ])
})

it('loses nothing of any line, and takes nothing but its time away', () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' '))
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), (lines) => {
      const text = lines.map((each) => `[2024-01-08T10:00:00.000Z] ${each}\n`).join('')
      expect(framesOf(text)).toEqual(
        lines.map((each, index) => ({
          type: 'log',
          seq: index + 1,
          timestamp: '2024-01-08T10:00:00.000Z',
          line: Buffer.from(each).toString(),
        })),
      )
    }),
  )
})
