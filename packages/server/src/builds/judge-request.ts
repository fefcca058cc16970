import { BuildOutputType, BuildStepKey, buildSteps } from '@slipway/contract/builds'
import { textPattern } from '@slipway/contract/fields'
import { refNameProblem } from '../git/index.ts'

/** Something that is wrong with a request. */
export interface BuildProblem {
  /** JSON pointer into the body. */
  path: string
  message: string
  /** It is an id that does not exist, and this says so in a sentence. */
  missing?: string
}

/**
 * Repository and name of an image without its tag, as Docker takes it: lower case, and no registry, in whose
 * name the image would be taken for one that only the registry gives out.
 */
const imageName =
  /^(?!localhost\/|[^/]*\.[^/]*\/)[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const imageTag = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const platform = /^[a-z0-9]{1,30}\/[a-z0-9_]{1,30}(?:\/[a-z0-9.]{1,30})?$/

const argName = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/
const storableText = new RegExp(textPattern, 'u')
const maxParameterBytes = 65_536
const maxDepth = 50

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
    ...judgeBuildArgs(request['build_args']),
    ...judgeParameters(request['custom_parameters']),
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
  if (new Set(platforms).size > 1) {
    problems.push({ path: '/platforms', message: 'must be one: make a build for each' })
  }
  for (const [index, value] of platforms.entries()) {
    const path = `/platforms/${index}`
    if (!platform.test(value)) problems.push({ path, message: 'must be such as linux/amd64' })
    else if (platforms.indexOf(value) < index) {
      problems.push({ path, message: `is ${value} a second time` })
    }
  }
  return problems
}

function judgeBuildArgs(args: unknown): BuildProblem[] {
  if (typeof args !== 'object' || args === null) return []
  return Object.keys(args)
    .filter((name) => !argName.test(name))
    .map((name) => ({
      path: `/build_args/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: 'must have a name of letters, digits and "_", at most 100 of them',
    }))
}

function judgeParameters(parameters: unknown): BuildProblem[] {
  if (typeof parameters !== 'object' || parameters === null) return []
  const path = '/custom_parameters'
  const problem = storageProblem(parameters)
  return problem === null ? [] : [{ path, message: problem }]
}

/** Why a value cannot be stored as it is; null when it can. Looks at no more than may be stored. */
function storageProblem(value: object): string | null {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 0 }]
  let length = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next.value === 'string') {
      length += Buffer.byteLength(next.value)
      if (!storableText.test(next.value)) return 'must not hold NUL or half a surrogate pair'
    } else if (typeof next.value === 'object' && next.value !== null) {
      const depth = next.depth + 1
      if (depth > maxDepth) return `must not be nested more than ${maxDepth} deep`
      const isList = Array.isArray(next.value)
      for (const [name, inner] of Object.entries(next.value)) {
        pending.push({ value: inner, depth })
        if (!isList) pending.push({ value: name, depth })
      }
    }
    length += 1
    if (length > maxParameterBytes) return 'must not be larger than 64 KiB'
  }
  return null
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
