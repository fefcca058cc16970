import { expect, it } from 'vitest'
import { sampleRun } from '../../../../test/support/sample-run.ts'
import { selectSteps } from './select-steps.ts'

it.each([
  [undefined, ['check/api/lint', 'check/api/types', 'build/api/compile', 'build/web/bundle']],
  ['lint', ['check/api/lint']],
  ['web/bundle', ['build/web/bundle']],
  ['build/api/compile', ['build/api/compile']],
  ['api', []],
  ['int', []],
])('%s means %j', (selector, places) => {
  expect(selectSteps(sampleRun(), selector).map(({ place }) => place)).toEqual(places)
})

it('finds a step by its id', () => {
  const id = sampleRun().phases[0]!.tasks[0]!.steps[1]!.id
  expect(selectSteps(sampleRun(), id).map(({ step }) => step.name)).toEqual(['types'])
})
