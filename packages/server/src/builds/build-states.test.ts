import type { BuildStatus, BuildStepStatus } from '@slipway/contract/builds'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  buildStepTransitions,
  buildTransitions,
  compareStep,
  endedStep,
  hasEnded,
} from './build-states.ts'

const builds = Object.keys(buildTransitions) as BuildStatus[]
const steps = Object.keys(buildStepTransitions) as BuildStepStatus[]
const anyBuild = fc.constantFrom(...builds)
const anyStep = fc.constantFrom(...steps)

describe('the states of a build', () => {
  it('end at completed and failed, and nowhere else', () => {
    expect(builds.filter(hasEnded)).toEqual(['completed', 'failed'])
  })

  it('never come back to one that was left, and always get to an end', () => {
    fc.assert(
      fc.property(anyBuild, fc.infiniteStream(fc.nat()), (start, choices) => {
        const seen: BuildStatus[] = []
        let at = start
        while (!hasEnded(at)) {
          expect(seen).not.toContain(at)
          seen.push(at)
          const next = buildTransitions[at]
          at = next[(choices.next().value ?? 0) % next.length] as BuildStatus
        }
        expect(seen.length).toBeLessThanOrEqual(2)
      }),
    )
  })

  it('complete only after running', () => {
    expect(buildTransitions.pending).not.toContain('completed')
  })
})

describe('the states of a step', () => {
  it('take no report that goes backwards', () => {
    fc.assert(
      fc.property(anyStep, fc.array(anyStep, { maxLength: 20 }), (start, reports) => {
        const path = [start]
        for (const to of reports) {
          const at = path.at(-1) as BuildStepStatus
          const means = compareStep(at, to)
          expect(means === 'repeat').toBe(at === to)
          if (means === 'move') path.push(to)
        }
        expect(new Set(path).size).toBe(path.length)
      }),
    )
  })

  it('end with their build, and what had ended stays as it was', () => {
    fc.assert(
      fc.property(anyStep, fc.constantFrom('completed', 'failed'), (step, end) => {
        const after = endedStep(step, end)
        expect(buildStepTransitions[after]).toEqual([])
        expect(after === step || compareStep(step, after) === 'move').toBe(true)
        expect(endedStep(after, end)).toBe(after)
      }),
    )
    expect(endedStep('running', 'failed')).toBe('failed')
    expect(endedStep('pending', 'failed')).toBe('skipped')
  })
})
