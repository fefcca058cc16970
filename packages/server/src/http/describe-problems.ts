import { textPattern } from '@slipway/contract/fields'
import type { ErrorObject } from 'ajv'

/** Problems that one answer names at most. */
const maxProblems = 100

const partNames: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
}

export interface InputProblem {
  /** JSON pointer into the part. */
  path: string
  message: string
}

/** What a schema has against a part of a request: the first of it in one sentence, and all of it. */
export function describeProblems(
  errors: readonly ErrorObject[],
  context: string | undefined,
): { part: string; message: string; problems: InputProblem[] } {
  const part = partNames[context ?? ''] ?? 'request'
  const telling = errors.filter((error) => !isNoise(error))
  const all = (telling.length > 0 ? telling : errors).map(toProblem)
  const [first] = all
  const rest = all.length > 1 ? ` (and ${all.length - 1} more)` : ''
  const where = first === undefined || first.path === '' ? '' : `${first.path} `
  return {
    part,
    message: `The ${part} is not valid: ${where}${first?.message}${rest}`,
    problems: all.slice(0, maxProblems),
  }
}

/** The message with all problems of an input in it, where it names the first of several only. */
export function nameEveryProblem(
  message: string,
  details: Record<string, unknown> | undefined,
): string {
  const problems = details?.['problems'] as InputProblem[] | undefined
  if (problems === undefined || problems.length < 2) return message
  const [what = ''] = message.split(':', 1)
  const all = problems.map((problem) => `${problem.path} ${problem.message}`.trim())
  return `${what}: ${all.join('; ')}`
}

/** Of a value that may be null, nobody needs to hear that it could also have been null. */
function isNoise(error: ErrorObject): boolean {
  return (
    error.keyword === 'anyOf' ||
    error.keyword === 'if' ||
    (error.keyword === 'type' &&
      error.params['type'] === 'null' &&
      error.schemaPath.includes('/anyOf/'))
  )
}

function toProblem(error: ErrorObject): InputProblem {
  const { instancePath, keyword, params } = error
  if (keyword === 'required') {
    return { path: `${instancePath}/${params['missingProperty']}`, message: 'is missing' }
  }
  if (keyword === 'additionalProperties') {
    return { path: `${instancePath}/${params['additionalProperty']}`, message: 'is not known here' }
  }
  if (keyword === 'enum') {
    const allowed = (params['allowedValues'] as unknown[]).join(', ')
    return { path: instancePath, message: `must be one of ${allowed}` }
  }
  if (keyword === 'pattern' && params['pattern'] === textPattern) {
    return { path: instancePath, message: 'must not hold NUL or half a surrogate pair' }
  }
  return { path: instancePath, message: error.message ?? 'is not valid' }
}
