import { QueryClient } from '@tanstack/react-query'
import { expect, it } from 'vitest'
import { beginAnew } from './begin-anew.ts'

function shown(): QueryClient {
  const queries = new QueryClient()
  queries.setQueryData(['session'], { id: 'b' })
  queries.setQueryData(['runs', '1'], 'a run')
  return queries
}

it('keeps what is shown until it is there anew, where the same person goes on', () => {
  for (const before of [undefined, 'a']) {
    const queries = shown()
    beginAnew(queries, { before, now: 'a' })
    expect(queries.getQueryData(['runs', '1'])).toBe('a run')
    expect(queries.getQueryState(['runs', '1'])?.isInvalidated).toBe(true)
    expect(queries.getQueryState(['session'])?.isInvalidated).toBe(false)
  }
})

it('keeps nothing for somebody else, but who they are', () => {
  const queries = shown()
  beginAnew(queries, { before: 'a', now: 'b' })
  expect(queries.getQueryData(['runs', '1'])).toBeUndefined()
  expect(queries.getQueryData(['session'])).toEqual({ id: 'b' })
})
