import { expect, test } from 'vitest'
import { didYouMean, suggest } from './suggest.ts'

test('finds the word that was meant', () => {
  expect(suggest('timout', ['timeout', 'target', 'name'])).toBe('timeout')
  expect(suggest('nmae', ['needs', 'name'])).toBe('name')
  expect(suggest('docker_build', ['docker-build', 'run'])).toBe('docker-build')
})

test('stays silent when nothing is near', () => {
  expect(suggest('banana', ['timeout', 'name'])).toBeUndefined()
  expect(didYouMean('banana', ['timeout'])).toBe('')
  expect(didYouMean('pahses', ['phases'])).toBe(' Did you mean "phases"?')
})
