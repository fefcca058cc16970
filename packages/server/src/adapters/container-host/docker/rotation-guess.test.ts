import { expect, it } from 'vitest'
import { createRotationGuess } from './rotation-guess.ts'

const frames = (count: number, length: number) =>
  Array.from({ length: count }, () => Buffer.alloc(length + 32))

it('suspects a silence when a file is about full, once for what has come', () => {
  const guess = createRotationGuess(100_000)
  guess.add(frames(10, 1_000))
  expect(guess.take()).toBe(false)
  guess.add(frames(85, 1_000))
  expect(guess.take()).toBe(true)
  expect(guess.take()).toBe(false)
  guess.add(frames(7, 1_000))
  expect(guess.take()).toBe(true)
  guess.add(frames(20, 1_000))
  expect(guess.take()).toBe(false)
  // The next file.
  guess.add(frames(70, 1_000))
  expect(guess.take()).toBe(true)
})
