import { expect, it } from 'vitest'
import { readInputs } from './read-inputs.ts'

it('reads one input a line, with what is behind the first = as its value', () => {
  const { inputs, problem } = readInputs(' target = staging \n\nquery=a=b\nempty=')
  expect(inputs).toEqual({ target: 'staging', query: 'a=b', empty: '' })
  expect(problem).toBeUndefined()
})

it('names every line that is none', () => {
  expect(readInputs('target\n=x\nfine=1').problem).toBe('No name=value: target, =x')
})
