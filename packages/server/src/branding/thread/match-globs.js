import { RRegex } from 'rregex'

/**
 * Whether a path (with forward slashes) is meant by globs: by one of those without `!` if there are
 * any, and by none of those with it. Takes time linear in the path, whatever the globs are.
 * Throws a SyntaxError that says what is wrong with a glob.
 * @param {readonly string[]} globs
 * @returns {(path: string) => boolean}
 */
export function matchGlobs(globs) {
  const wanted = oneOf(globs.filter((glob) => !glob.startsWith('!')))
  const unwanted = oneOf(globs.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1)))
  return (path) =>
    (wanted === null || wanted.isMatch(path)) && (unwanted === null || !unwanted.isMatch(path))
}

/** @param {readonly string[]} globs */
function oneOf(globs) {
  if (globs.length === 0) return null
  return new RRegex(`(?s)^(?:${globs.map(globToPattern).join('|')})$`)
}

/**
 * The regular expression of a glob. One without a slash means that name in every folder; `**` as a
 * part of its own is any number of folders, also none.
 * @param {string} glob
 * @returns {string}
 */
export function globToPattern(glob) {
  const path = glob.replace(/^\.?\//, '')
  if (path === '' || path.endsWith('/')) throw new SyntaxError('names no file')
  const inAnyFolder = !glob.includes('/')
  let pattern = inAnyFolder ? '(?:.*/)?' : ''
  let braces = 0
  for (let at = 0; at < path.length;) {
    const rest = path.slice(at)
    const startsPart = at === 0 || path[at - 1] === '/'
    if (startsPart && rest.startsWith('**/')) {
      pattern += '(?:.*/)?'
      at += 3
    } else if (startsPart && rest === '**') {
      pattern += '.+'
      at += 2
    } else if (rest.startsWith('*')) {
      pattern += '[^/]*'
      at += /^\*+/.exec(rest)?.[0].length ?? 1
    } else if (rest.startsWith('?')) {
      pattern += '[^/]'
      at += 1
    } else if (rest.startsWith('[')) {
      const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(rest)
      if (set === null) throw new SyntaxError('has a [ that is not closed')
      pattern += setToPattern(set[1] !== '', set[2] ?? '')
      at += set[0].length
    } else if (rest.startsWith('{')) {
      braces += 1
      pattern += '(?:'
      at += 1
    } else if (rest.startsWith('}') && braces > 0) {
      braces -= 1
      pattern += ')'
      at += 1
    } else if (rest.startsWith(',') && braces > 0) {
      pattern += '|'
      at += 1
    } else {
      const escaped = rest.startsWith('\\') ? 1 : 0
      const [character = ''] = rest.slice(escaped)
      if (character === '') throw new SyntaxError('ends with a backslash')
      pattern += quote(character)
      at += escaped + character.length
    }
  }
  if (braces > 0) throw new SyntaxError('has a { that is not closed')
  return pattern
}

/**
 * @param {boolean} excludes
 * @param {string} members such as `a-z_`
 */
function setToPattern(excludes, members) {
  const characters = Array.from(members)
  let set = ''
  for (let at = 0; at < characters.length; at++) {
    const [from = '', dash, to] = characters.slice(at, at + 3)
    if (dash === '-' && to !== undefined) {
      if (from > to) throw new SyntaxError(`has the range ${from}-${to}, which is empty`)
      set += `${quote(from)}-${quote(to)}`
      at += 2
    } else set += quote(from)
  }
  if (set === '') throw new SyntaxError('has an empty []')
  // A slash is in no set: it parts folders.
  return excludes ? `[^/${set}]` : `[${set}&&[^/]]`
}

/** @param {string} character */
function quote(character) {
  return /[\\.+*?()|[\]{}^$#&\-~]/.test(character) ? `\\${character}` : character
}
