import {
  type BuildOutputType,
  type BuildStepKey,
  buildSteps,
  type CreateBuildRequest,
} from '@slipway/contract/builds'

/** What somebody has chosen so far; ids as the form has them, '' where nothing is. */
export interface BuildDraft {
  repository: string
  ref: string
  steps: readonly BuildStepKey[]
  template: string
  configuration: string
  image: string
  tag: string
  /** NAME=value, one a line. */
  args: string
  registry: string
}

export const emptyDraft: BuildDraft = {
  repository: '',
  ref: '',
  steps: ['clone_repo', 'create_zip'],
  template: '',
  configuration: '',
  image: '',
  tag: '',
  args: '',
  registry: '',
}

/** The steps with one more, and what it needs; or without it, and without what needs it. */
export function withStep(
  steps: readonly BuildStepKey[],
  key: BuildStepKey,
  wanted: boolean,
): BuildStepKey[] {
  const needs = (one: BuildStepKey) =>
    buildSteps.find((step) => step.key === one)?.dependencies ?? []
  return buildSteps
    .map((step) => step.key)
    .filter((one) =>
      wanted
        ? steps.includes(one) || one === key || needs(key).includes(one)
        : steps.includes(one) && one !== key && !needs(one).includes(key),
    )
}

/** What the API is asked for. */
export function toRequest(draft: BuildDraft, args: Record<string, string>): CreateBuildRequest {
  const has = (step: BuildStepKey) => draft.steps.includes(step)
  const id = (text: string) => (text === '' ? null : Number(text))
  const text = (value: string) => (value.trim() === '' ? undefined : value.trim())
  const ref = text(draft.ref)
  const image = text(draft.image)
  const tag = text(draft.tag)
  return {
    steps_to_execute: [...draft.steps],
    output_type: outputOf(draft.steps),
    git_repository_id: id(draft.repository),
    ...(ref === undefined ? {} : { ref }),
    ...(has('apply_branding') ? { branding_template_id: id(draft.template) } : {}),
    ...(has('apply_config') ? { configuration_id: id(draft.configuration) } : {}),
    ...(has('build_image')
      ? {
          ...(image === undefined ? {} : { image_name: image }),
          ...(tag === undefined ? {} : { image_tag: tag }),
          build_args: args,
        }
      : {}),
    ...(has('push_registry') ? { registry_id: id(draft.registry) } : {}),
  }
}

function outputOf(steps: readonly BuildStepKey[]): BuildOutputType {
  if (!steps.includes('build_image')) return 'zip'
  return steps.includes('create_zip') ? 'both' : 'docker_image'
}
