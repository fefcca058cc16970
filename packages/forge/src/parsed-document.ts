import { limits } from './limits.ts'

/** What a reader of one format returns; `value` is plain JSON data. */
export type ParsedDocument =
  | { ok: true; value: unknown; lineOf: (pointer: string) => number | undefined }
  | { ok: false; problems: DocumentProblem[] }

export interface DocumentProblem {
  /** JSON pointer; '' where the text itself is broken. */
  path: string
  line?: number
  message: string
}

/** Thrown inside a reader at the first thing that makes going on pointless. */
export class DocumentError extends Error {
  readonly problem: DocumentProblem

  constructor(problem: DocumentProblem) {
    super(problem.message)
    this.problem = problem
  }
}

export const tooDeep = `is nested deeper than ${limits.depth} levels.`
export const tooManyValues = `The file holds more than ${limits.values} values (aliases expanded).`

/** Why a text may not be kept, or null: databases and commands refuse these. */
export function badText(text: string): string | null {
  if (text.includes('\0')) return 'contains a NUL character.'
  if (/\p{Surrogate}/u.test(text))
    return 'contains half of a surrogate pair, which is no character.'
  return null
}

/** Why an object may not have this key, or null. */
export function badKey(key: string): string | null {
  if (key === '__proto__') return 'The key "__proto__" is not allowed.'
  const reason = badText(key)
  return reason === null ? null : `A key ${reason}`
}
