import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { BuildLog } from '../../builds/index.ts'
import type { LogChunk } from '../../logs/index.ts'
import { openLiveLines } from './live-lines.ts'

const textOf = (seq: number) => `line ${seq} ${'x'.repeat(seq % 7)}`

/** A log in memory: `write` appends lines, `end` seals it. */
function createLog(): Pick<BuildLog, 'lines'> & { write(lines: number): void; end(): void } {
  let last = 0
  let ended = false
  let wake = () => {}
  let changed = new Promise<void>((resolve) => void (wake = resolve))
  const tell = () => {
    wake()
    changed = new Promise((resolve) => void (wake = resolve))
  }
  return {
    write(lines) {
      last += lines
      tell()
    },
    end() {
      ended = true
      tell()
    },
    async *lines({ after = 0, follow = false }, signal): AsyncGenerator<LogChunk> {
      signal.addEventListener('abort', tell)
      for (let seq = after; !signal.aborted;) {
        if (seq < last) {
          const lines = last - seq
          const text = Array.from({ length: lines }, (_, index) => `${textOf(seq + index + 1)}\n`)
          yield { seq: seq + 1, lines, at: new Date(0), data: Buffer.from(text.join('')) }
          seq += lines
        } else if (ended || !follow) return
        else await changed
      }
    },
  }
}

it('gives every follower every line once, in order, however far behind it falls', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 }), {
        minLength: 1,
        maxLength: 4,
      }),
      async (writes, pauses) => {
        // Room for about ten lines.
        const live = openLiveLines(1_000)
        const log = createLog()
        const follow = async (rests: readonly number[]) => {
          const joined = live.join({ buildId: 1, attempt: 1, after: 0, log })
          const { signal } = new AbortController()
          const got: string[] = []
          for (let turn = 0; ; turn++) {
            for (let rest = rests[turn] ?? 0; rest > 0; rest--) await Promise.resolve()
            const next = await joined.next(got.length, signal)
            if (next.is === 'over') break
            if (next.is === 'here') got.push(...next.frames.map(String))
            else {
              for await (const { seq, lines } of log.lines({ after: got.length }, signal)) {
                for (let line = seq; line < seq + lines; line++) got.push(frameOf(line))
              }
            }
          }
          joined.leave()
          return got
        }
        const following = pauses.map(follow)
        for (const lines of writes) {
          log.write(lines)
          await Promise.resolve()
        }
        log.end()
        const total = writes.reduce((sum, lines) => sum + lines, 0)
        const expected = Array.from({ length: total }, (_, index) => frameOf(index + 1))
        for (const got of await Promise.all(following)) expect(got).toEqual(expected)
      },
    ),
  )
})

function frameOf(seq: number): string {
  return JSON.stringify({
    type: 'log',
    seq,
    timestamp: new Date(0).toISOString(),
    line: textOf(seq),
  })
}

it('stops reading when nobody follows any more, and begins anew for the next', async () => {
  const live = openLiveLines()
  const log = createLog()
  const { signal } = new AbortController()
  log.write(1)
  for (let round = 1; round <= 2; round++) {
    const joined = live.join({ buildId: 1, attempt: 1, after: 0, log })
    expect(await joined.next(0, signal)).toEqual({ is: 'here', frames: [Buffer.from(frameOf(1))] })
    joined.leave()
    expect(await joined.next(1, signal)).toEqual({ is: 'over' })
  }
})

it('tells its followers that the log cannot be read', async () => {
  const error = new Error('the disk is gone')
  const lines = async function* (): AsyncGenerator<LogChunk> {
    yield await Promise.reject(error)
  }
  const joined = openLiveLines().join({ buildId: 1, attempt: 1, after: 0, log: { lines } })
  expect(await joined.next(0, new AbortController().signal)).toEqual({ is: 'over', error })
})
