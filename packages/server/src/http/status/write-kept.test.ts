import { describe, expect, it } from 'vitest'
import { writeKept } from './write-kept.ts'

describe('writeKept', () => {
  it('writes what JSON.stringify does', () => {
    const answer = {
      repository: 'owner/repo-name',
      runs: [
        { id: 1, name: 'CI "x"', jobs: [{ id: 2 }] },
        { id: 3, name: 'é', jobs: [] },
      ],
      metadata: { total: 2, cachedAt: null },
      none: [],
    }
    expect(writeKept(answer)).toBe(JSON.stringify(answer))
    expect(writeKept({ ...answer, page: 2 })).toBe(JSON.stringify({ ...answer, page: 2 }))
  })
})
