import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { quote } from '../src/quote.js'

// The pauses are there to be watched.
const cases = [
  ['a small parcel at home', { zone: 'home', kilograms: 1 }, 5.3],
  ['a parcel for a neighbour', { zone: 'neighbour', kilograms: 5 }, 13],
  ['a parcel around the world', { zone: 'world', kilograms: 2.5 }, 19.5],
  ['a heavy parcel pays a surcharge', { zone: 'home', kilograms: 20 }, 32.5],
  ['a large order travels for nothing', { zone: 'home', kilograms: 3, orderValue: 100 }, 0],
  ['but not abroad', { zone: 'world', kilograms: 3, orderValue: 500 }, 19.9],
]

for (const [name, parcel, price] of cases) {
  test(name, async () => {
    await wait(200)
    assert.equal(quote(parcel), price)
  })
}

test('what is no parcel is refused', () => {
  assert.throws(() => quote({ zone: 'moon', kilograms: 1 }), /unknown zone/)
  assert.throws(() => quote({ zone: 'home', kilograms: 0 }), /weighs something/)
})
