import { describe, expect, it } from 'vitest'
import { readFailures } from './read-failures.ts'

const list = JSON.stringify([
  { displayName: 'dispatch(0)', message: 'Error (exit code 124)', templateName: 'dispatch' },
  { displayName: 'walk' },
])

describe('readFailures', () => {
  it('reads the list as Argo Workflows puts it into a parameter, quoted once more', () => {
    const expected = [
      { step: 'dispatch(0)', message: 'Error (exit code 124)' },
      { step: 'walk', message: '' },
    ]
    expect(readFailures(list)).toEqual(expected)
    expect(readFailures(JSON.stringify(list))).toEqual(expected)
  })

  it.each(['', 'null', '"null"', '{}', '7', '[1, null]', '{{workflow.failures}}'])(
    'finds nothing in %j',
    (text) => expect(readFailures(text)).toEqual([]),
  )

  it('keeps to what the server takes', () => {
    const long = { displayName: 'n'.repeat(600), message: `\u0000${'😀'.repeat(1_200)}` }
    const [first, ...rest] = readFailures(JSON.stringify(Array.from({ length: 99 }, () => long)))
    expect(rest).toHaveLength(49)
    expect(first?.step).toHaveLength(500)
    // Neither the NUL nor the half of a pair that the cut has left.
    expect(first?.message).toBe('😀'.repeat(999))
  })
})
