import { describe, expect, it } from 'vitest'
import { createMemo, type Made } from './memo.ts'

describe('createMemo', () => {
  it('finds a value under its version only', () => {
    const memo = createMemo(10)
    memo.keep('a', 1, 'first')
    expect(memo.recall('a', 1, 0)).toBe('first')
    expect(memo.recall('a', 2, 0)).toBeUndefined()
    memo.keep('a', 2, 'second')
    expect(memo.recall('a', 1, 0)).toBeUndefined()
    expect(memo.recall('a', 2, 0)).toBe('second')
  })

  it('finds none whose time has passed', () => {
    const memo = createMemo(10)
    memo.keep('a', 1, 'value', 100)
    expect(memo.recall('a', 1, 99)).toBe('value')
    expect(memo.recall('a', 1, 100)).toBeUndefined()
  })

  it('holds no more than it may, and forgets what was not asked for longest', () => {
    const memo = createMemo(2)
    memo.keep('a', 1, 'a')
    memo.keep('b', 1, 'b')
    memo.recall('a', 1, 0)
    memo.keep('c', 1, 'c')
    expect(['a', 'b', 'c'].map((key) => memo.recall(key, 1, 0))).toEqual(['a', undefined, 'c'])
  })
})

describe('share', () => {
  const later = <T>() => {
    let resolve: (made: Made<T>) => void = () => {}
    let reject: (error: Error) => void = () => {}
    const promise = new Promise<Made<T>>((yes, no) => {
      resolve = yes
      reject = no
    })
    return { promise, resolve, reject }
  }
  const never = () => Promise.reject(new Error('it is there already'))

  it('computes once for all who ask meanwhile, and afterwards', async () => {
    const memo = createMemo(10)
    const work = later<string>()
    const first = memo.share('a', 1, 0, () => work.promise)
    const second = memo.share('a', 1, 0, never)
    work.resolve({ value: 'done', goodUntil: 100 })
    expect(await Promise.all([first, second])).toEqual(['done', 'done'])
    expect(await memo.share('a', 1, 99, never)).toBe('done')
    const again = async () => ({ value: 'again', goodUntil: 200 })
    expect(await memo.share('a', 1, 100, again)).toBe('again')
  })

  it('computes anew for another version, which the older one does not overwrite', async () => {
    const memo = createMemo(10)
    const old = later<string>()
    const first = memo.share('a', 1, 0, () => old.promise)
    const now = async () => ({ value: 'new', goodUntil: Number.POSITIVE_INFINITY })
    expect(await memo.share('a', 2, 0, now)).toBe('new')
    old.resolve({ value: 'old', goodUntil: null })
    expect(await first).toBe('old')
    expect(await memo.share('a', 2, 0, never)).toBe('new')
  })

  it('keeps neither a failure nor what is not to be kept', async () => {
    const memo = createMemo(10)
    const work = later<string>()
    const both = [memo.share('a', 1, 0, () => work.promise), memo.share('a', 1, 0, never)]
    work.reject(new Error('broken'))
    for (const one of await Promise.allSettled(both)) {
      expect(one).toMatchObject({ status: 'rejected', reason: new Error('broken') })
    }
    const passing = async () => ({ value: 'once', goodUntil: null })
    expect(await memo.share('a', 1, 0, passing)).toBe('once')
    const kept = async () => ({ value: 'twice', goodUntil: 1 })
    expect(await memo.share('a', 1, 0, kept)).toBe('twice')
  })

  it('holds no more than it may bear, and not at all what alone is too much', async () => {
    const memo = createMemo(10, 100)
    const share = (key: string, version: number, weight: number) =>
      memo.share(key, version, 0, async () => ({ value: key, goodUntil: 1, weight }))
    const kept = () => ['a', 'b', 'c', 'd'].filter((key) => memo.recall(key, 1, 0) !== undefined)
    await share('a', 1, 60)
    await share('b', 1, 40)
    expect(kept()).toEqual(['a', 'b'])
    await share('c', 1, 50)
    expect(kept()).toEqual(['b', 'c'])
    await share('d', 1, 101)
    expect(kept()).toEqual(['b', 'c'])
    // Another version takes the place of the one before, not a place beside it.
    await share('b', 2, 50)
    await share('b', 1, 50)
    expect(kept()).toEqual(['b', 'c'])
  })
})
