import fc from 'fast-check'
import { expect } from 'vitest'

/** Checks that states merge into the same whatever the order they come in, and however often each does. */
export function expectSameInAnyOrder<State>(
  anyState: fc.Arbitrary<State>,
  merge: (known: State | null, told: State) => State,
): void {
  const mergeAll = (states: readonly State[]) =>
    states.reduce<State | null>((known, told) => merge(known, told), null)
  const delivered = fc.array(anyState, { minLength: 1, maxLength: 8 }).chain((states) => {
    const twice = [...states, ...states]
    const whole = { minLength: twice.length, maxLength: twice.length }
    return fc.tuple(fc.constant(states), fc.shuffledSubarray(twice, whole))
  })
  fc.assert(
    fc.property(delivered, ([states, deliveries]) => {
      expect(mergeAll(deliveries)).toEqual(mergeAll(states))
    }),
  )
}
