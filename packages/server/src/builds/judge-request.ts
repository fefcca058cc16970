import { BuildOutputType, BuildStepKey, buildSteps } from '@slipway/contract/builds'
import { refNameProblem } from '../git/index.ts'

/** Something that is wrong with a request. */
export interface BuildProblem {
  /** JSON pointer into the body. */
  path: string
  message: string
  /** It is an id that does not exist, and this says so in a sentence. */
  missing?: string
}

/** Repository and name of an image without its tag, as Docker takes it: no registry, lower case. */
const imageName =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const imageTag = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const platform = /^[a-z0-9]{1,30}\/[a-z0-9_]{1,30}(?:\/[a-z0-9.]{1,30})?$/

/**
 * What is wrong with how the parts of a request fit together, all of it. The request may have parts that
 * its schema refuses: those are not looked at here.
 */
export function judgeRequest(request: Readonly<Record<string, unknown>>): BuildProblem[] {
  const steps = texts(request['steps_to_execute'])
  return [
    ...(steps === null ? [] : judgeSteps(steps)),
    ...judgeOutputType(request['output_type'], steps),
    ...(steps === null ? [] : judgeNeeds(request, steps)),
    ...judgeRefs(request),
    ...judgeImage(request),
  ]
}

/** Ids that steps cannot do without. */
const neededIds = {
  apply_branding: 'branding_template_id',
  apply_config: 'configuration_id',
  push_registry: 'registry_id',
} as const

const outputSteps = {
  zip: ['create_zip'],
  docker_image: ['build_image'],
  both: ['create_zip', 'build_image'],
} as const satisfies Record<BuildOutputType, readonly BuildStepKey[]>

function judgeSteps(steps: readonly string[]): BuildProblem[] {
  const problems: BuildProblem[] = []
  for (const [index, step] of steps.entries()) {
    const path = `/steps_to_execute/${index}`
    if (!isStep(step)) {
      problems.push({ path, message: `must be one of ${BuildStepKey.enum.join(', ')}` })
    } else if (steps.indexOf(step) < index) {
      problems.push({ path, message: `is ${step} a second time` })
    }
  }
  const path = '/steps_to_execute'
  const missing = new Set<string>()
  for (const { key, dependencies } of buildSteps) {
    if (!steps.includes(key)) continue
    for (const needed of dependencies) {
      if (steps.includes(needed) || missing.has(needed)) continue
      missing.add(needed)
      problems.push({ path, message: `must have ${needed}, which ${key} needs` })
    }
  }
  if (!steps.includes('clone_repo') && !missing.has('clone_repo')) {
    problems.push({ path, message: 'must have clone_repo' })
  }
  return problems
}

function judgeOutputType(type: unknown, steps: readonly string[] | null): BuildProblem[] {
  const path = '/output_type'
  if (typeof type !== 'string') return []
  if (!isOutputType(type)) {
    return [{ path, message: `must be one of ${BuildOutputType.enum.join(', ')}` }]
  }
  if (steps === null) return []
  return outputSteps[type]
    .filter((step) => !steps.includes(step))
    .map((step) => ({ path, message: `is ${type}, which needs the step ${step}` }))
}

function judgeNeeds(
  request: Readonly<Record<string, unknown>>,
  steps: readonly string[],
): BuildProblem[] {
  return Object.entries(neededIds)
    .filter(([step, name]) => steps.includes(step) && (request[name] ?? null) === null)
    .map(([step, name]) => ({ path: `/${name}`, message: `is missing: ${step} needs it` }))
}

function judgeRefs({ ref, branch }: Readonly<Record<string, unknown>>): BuildProblem[] {
  const problems: BuildProblem[] = []
  for (const [path, name] of Object.entries({ '/ref': ref, '/branch': branch })) {
    const problem = typeof name === 'string' && name !== '' ? refNameProblem(name) : null
    if (problem !== null) problems.push({ path, message: problem })
  }
  if (typeof ref === 'string' && typeof branch === 'string' && ref !== branch) {
    problems.push({ path: '/branch', message: 'and /ref name different things' })
  }
  return problems
}

function judgeImage(request: Readonly<Record<string, unknown>>): BuildProblem[] {
  const { image_name: name, image_tag: tag } = request
  const problems: BuildProblem[] = []
  if (typeof name === 'string' && name !== '' && !imageName.test(name)) {
    const message = 'must be a name such as team/open-webui: lower case, without registry and tag'
    problems.push({ path: '/image_name', message })
  }
  if (typeof tag === 'string' && tag !== '' && !imageTag.test(tag)) {
    const message = 'must be letters, digits, "_", "." and "-", and begin with none of the last two'
    problems.push({ path: '/image_tag', message })
  }
  const platforms = texts(request['platforms']) ?? []
  for (const [index, value] of platforms.entries()) {
    const path = `/platforms/${index}`
    if (!platform.test(value)) problems.push({ path, message: 'must be such as linux/amd64' })
    else if (platforms.indexOf(value) < index) {
      problems.push({ path, message: `is ${value} a second time` })
    }
  }
  return problems
}

function texts(value: unknown): string[] | null {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null
}

function isStep(value: string): value is BuildStepKey {
  return (BuildStepKey.enum as readonly string[]).includes(value)
}

function isOutputType(value: string): value is BuildOutputType {
  return (BuildOutputType.enum as readonly string[]).includes(value)
}
