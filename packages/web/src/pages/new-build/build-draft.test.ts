import { BuildStepKey } from '@slipway/contract/builds'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyDraft, toRequest, withStep } from './build-draft.ts'

describe('the steps of a draft', () => {
  it('come with what they need, and go with what needs them', () => {
    const pushing = withStep(emptyDraft.steps, 'push_registry', true)
    expect(pushing).toEqual(['clone_repo', 'create_zip', 'build_image', 'push_registry'])
    expect(withStep(pushing, 'build_image', false)).toEqual(['clone_repo', 'create_zip'])
  })

  it('are always in order, with nothing twice, whatever is clicked', () => {
    const clicks = fc.array(fc.tuple(fc.constantFrom(...BuildStepKey.enum), fc.boolean()))
    fc.assert(
      fc.property(clicks, (all) => {
        let steps = emptyDraft.steps
        for (const [key, wanted] of all) steps = withStep(steps, key, wanted)
        expect(steps).toEqual(BuildStepKey.enum.filter((key) => steps.includes(key)))
        if (steps.includes('push_registry')) expect(steps).toContain('build_image')
      }),
    )
  })
})

describe('what is asked for', () => {
  it('is what the steps need, and nothing else', () => {
    const draft = { ...emptyDraft, repository: '7', template: '3', registry: '2', image: ' web ' }
    expect(toRequest(draft, {})).toEqual({
      steps_to_execute: ['clone_repo', 'create_zip'],
      output_type: 'zip',
      git_repository_id: 7,
    })
    const steps = withStep(draft.steps, 'push_registry', true)
    expect(toRequest({ ...draft, steps }, { A: '1' })).toEqual({
      steps_to_execute: ['clone_repo', 'create_zip', 'build_image', 'push_registry'],
      output_type: 'both',
      git_repository_id: 7,
      image_name: 'web',
      build_args: { A: '1' },
      registry_id: 2,
    })
  })
})
