import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFetchProgress } from './fetch-progress.ts'

const said = [
  'remote: Enumerating objects: 5, done.        \n',
  'remote: Counting objects: 100% (5/5), done.        \n',
  'remote: Total 5 (delta 0), reused 0 (delta 0), pack-reused 0\n',
  'Receiving objects:  20% (1/5)\rReceiving objects:  40% (2/5), 1.2 MiB | 2 MiB/s\r',
  'warning: something is odd\n',
  'Receiving objects: 100% (5/5), done.\nResolving deltas: 100% (1/1), done.\n',
  'fatal: early EOF',
].join('')

describe('readFetchProgress', () => {
  it('takes progress out and leaves the rest, wherever the text was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(said.length)), (cuts) => {
        const told: number[] = []
        const reader = readFetchProgress((percent) => void told.push(percent))
        let rest = ''
        let from = 0
        for (const to of [...cuts.toSorted((a, b) => a - b), said.length]) {
          rest += reader.push(said.slice(from, to))
          from = to
        }
        rest += reader.end()
        expect(rest).toBe('warning: something is odd\nfatal: early EOF\n')
        expect(told).toEqual([18, 36, 90, 100])
      }),
    )
  })
})
