import { describe, expect, it } from 'vitest'
import { createTurns } from './take-turns.ts'

const never = new AbortController().signal

describe('take', () => {
  it('runs the actions of one key one after the other, also behind one that failed', async () => {
    const turns = createTurns()
    const seen: string[] = []
    const action = (name: string) => async () => {
      seen.push(`${name} begins`)
      await Promise.resolve()
      seen.push(`${name} ends`)
      if (name === 'a') throw new Error('a failed')
    }
    const [a, b] = [turns.take('k', never, action('a')), turns.take('k', never, action('b'))]
    await expect(a).rejects.toThrow('a failed')
    await b
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it('does not run the action of one that left while waiting', async () => {
    const turns = createTurns()
    const stop = new AbortController()
    let end = () => {}
    const running = turns.take('k', never, () => new Promise<void>((resolve) => (end = resolve)))
    const left = turns.take('k', stop.signal, () => Promise.reject(new Error('was run')))
    const behind = turns.take('k', never, async () => 'behind')
    stop.abort()
    await expect(left).rejects.toThrow('git was stopped')
    end()
    await running
    expect(await behind).toBe('behind')
  })

  it('tells an action that somebody waits behind it, and nobody else', async () => {
    const turns = createTurns()
    const wanted = (signal: AbortSignal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve('wanted')))
    const first = turns.take('k', never, wanted)
    await turns.take('other', never, async () => undefined)
    const second = turns.take('k', never, async (signal) => signal.aborted)
    expect(await first).toBe('wanted')
    expect(await second).toBe(false)
  })

  it('counts who runs and who waits, and forgets a key that nobody wants', async () => {
    const turns = createTurns()
    const both = [1, 2].map(() => turns.take('k', never, async () => undefined))
    expect(turns.count('k')).toBe(2)
    await Promise.all(both)
    await expect.poll(() => turns.count('k')).toBe(0)
  })
})
