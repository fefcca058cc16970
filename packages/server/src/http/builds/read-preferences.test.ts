import { expect, it } from 'vitest'
import { readPreferences } from './read-preferences.ts'

it.each([
  [undefined, { respondAsync: false, waitMs: null, applied: null }],
  ['respond-async', { respondAsync: true, waitMs: null, applied: 'respond-async' }],
  ['Respond-Async, wait=10', { respondAsync: true, waitMs: 10_000, applied: 'respond-async' }],
  ['wait=60; foo=bar', { respondAsync: false, waitMs: 60_000, applied: 'wait=60' }],
  [
    ['handling=lenient', 'wait="5", wait=7'],
    { respondAsync: false, waitMs: 5_000, applied: 'wait=5' },
  ],
  ['wait=soon, return=minimal', { respondAsync: false, waitMs: null, applied: null }],
  ['wait=999999999', { respondAsync: false, waitMs: 2_147_483_647, applied: 'wait=999999999' }],
])('reads %j', (header, expected) => {
  expect(readPreferences(header)).toEqual(expected)
})
