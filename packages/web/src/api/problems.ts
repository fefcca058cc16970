import { SlipwayError } from '@slipway/sdk'

export interface Problem {
  /** JSON pointer into what was sent. */
  path: string
  message: string
}

/** What is wrong with what was sent, each at its place; none where the server named none. */
export function problemsOf(error: unknown): Problem[] {
  const named = error instanceof SlipwayError ? error.details?.['problems'] : undefined
  if (Array.isArray(named)) return named.filter(isProblem)
  return error instanceof SlipwayError && error.status === 400 ? problemsIn(error.message) : []
}

/** The families below /api name all of them in their one message: `What: /a is wrong; /b is, too`. */
function problemsIn(message: string): Problem[] {
  const [, list = ''] = /^[^:]*: (\/.*)$/s.exec(message) ?? []
  if (list === '') return []
  return list.split(/; (?=\/)/).map((text) => {
    const [path = ''] = text.split(' ', 1)
    return { path, message: text.slice(path.length + 1) }
  })
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  const { path, message } = value as Partial<Record<string, unknown>>
  return typeof path === 'string' && typeof message === 'string'
}
