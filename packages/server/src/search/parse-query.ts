import { AppError } from '../errors.ts'
import { wordsOf } from './words.ts'

/** What somebody looks for. */
export interface ParsedQuery {
  /** PostgreSQL's input of a tsquery. */
  tsquery: string
  /** Words to be shown where they are found; `prefix`: also as the beginning of a longer one. */
  wanted: readonly { text: string; prefix: boolean }[]
}

const maxTerms = 32

/**
 * Reads a query: words that must all be there (each may go on), "a phrase", -without and OR, which
 * binds what stands on both its sides. Punctuation inside a word makes it a phrase: `src/main.ts`.
 *
 * @throws AppError invalid_request when it asks for nothing, or for too much
 */
export function parseQuery(query: string): ParsedQuery {
  const wanted: { text: string; prefix: boolean }[] = []
  const groups: string[][] = []
  const without: string[] = []
  let joins = false
  let terms = 0
  for (const [token, minus = '', quoted, bare = ''] of query.matchAll(
    /(-?)(?:"([^"]*)"?|([^\s"]+))/g,
  )) {
    if (token === 'OR' && groups.length > 0) {
      joins = true
      continue
    }
    const prefix = quoted === undefined
    const words = [...wordsOf(quoted ?? bare)].map(({ text }) => text)
    const last = words.length - 1
    if (last < 0) continue
    terms += words.length
    if (terms > maxTerms) {
      throw new AppError('invalid_request', `A search has at most ${maxTerms} words`)
    }
    const lexemes = words.map((word, at) => (prefix && at === last ? `'${word}':*` : `'${word}'`))
    const term = lexemes.length === 1 ? lexemes.join('') : `(${lexemes.join(' <-> ')})`
    if (minus !== '') {
      without.push(`!${term}`)
      continue
    }
    wanted.push(...words.map((text, at) => ({ text, prefix: prefix && at === last })))
    if (joins) groups.at(-1)?.push(term)
    else groups.push([term])
    joins = false
  }
  if (groups.length === 0) {
    throw new AppError('invalid_request', 'A search needs at least one word that is to be found', {
      problems: [{ path: '/q', message: 'has no word to look for' }],
    })
  }
  const all = groups.map((terms) =>
    terms.length === 1 ? terms.join('') : `(${terms.join(' | ')})`,
  )
  return { tsquery: [...all, ...without].join(' & '), wanted }
}
