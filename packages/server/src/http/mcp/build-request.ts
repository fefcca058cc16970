import { AppError } from '../../errors.ts'
import type { InputProblem } from '../describe-problems.ts'
import type { Place } from './merge-inputs.ts'
import type { ToolOperation } from './describe-tools.ts'

export interface ToolRequest {
  method: ToolOperation['method']
  /** Path and query. */
  url: string
  /** JSON; undefined: none. */
  body: string | undefined
}

/**
 * The request that a call of a tool stands for. Whether the values are what the route takes is left
 * to the route; refused with `invalid_request`, which names every problem, is what could not even be
 * put into a request, or would be a request of another route.
 */
export function buildRequest(
  operation: Pick<ToolOperation, 'method' | 'url' | 'inputs'>,
  given: Readonly<Record<string, unknown>>,
): ToolRequest {
  const { places, needsBody } = operation.inputs
  const problems: InputProblem[] = []
  const path = new Map<string, string>()
  const query = new URLSearchParams()
  const fields: [string, unknown][] = []
  let body: unknown

  function put(argument: string, place: Place, value: unknown): void {
    const fail = (message: string) => void problems.push({ path: `/${argument}`, message })
    switch (place.in) {
      case 'body':
        body = value
        return
      case 'property':
        fields.push([place.name, value])
        return
      case 'path': {
        const text = textOf(value)
        if (text === undefined) fail('must be text or a number')
        else if (text === '' || text === '.' || text === '..') fail('must not be empty or dots')
        else path.set(place.name, encodeURIComponent(text))
        return
      }
      case 'query': {
        for (const one of [value].flat()) {
          const text = textOf(one)
          if (text === undefined) fail('must be text, a number, true, false, or a list of these')
          else query.append(place.name, text)
        }
      }
    }
  }

  for (const [argument, value] of Object.entries(given)) {
    const place = places.get(argument)
    if (place === undefined) problems.push({ path: `/${argument}`, message: 'is not known here' })
    else put(argument, place, value)
  }
  // What else is missing, the route says together with what else is wrong.
  for (const [argument, place] of places) {
    if (place.in !== 'path' || Object.hasOwn(given, argument)) continue
    problems.push({ path: `/${argument}`, message: 'is missing' })
  }
  if (problems.length > 0) throw refuse(problems)

  if (fields.length > 0 || (needsBody && body === undefined)) body = Object.fromEntries(fields)
  const search = query.toString()
  return {
    method: operation.method,
    url: fillIn(operation.url, path) + (search === '' ? '' : `?${search}`),
    body: body === undefined ? undefined : JSON.stringify(body),
  }
}

function fillIn(pattern: string, path: ReadonlyMap<string, string>): string {
  return pattern
    .split('/')
    .map((part) => (part.startsWith(':') ? (path.get(part.slice(1)) ?? '') : part))
    .join('/')
}

/** As it stands in a URL; undefined for what cannot: half a surrogate pair has no encoding. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && !/\p{Surrogate}/u.test(value) ? value : undefined
}

function refuse(problems: readonly InputProblem[]): AppError {
  const [first] = problems
  const rest = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return new AppError(
    'invalid_request',
    `The arguments are not valid: ${first?.path} ${first?.message}${rest}`,
    { problems: problems.slice(0, 100) },
  )
}
