import { RRegex } from 'rregex'
import { globToPattern, matchGlobs } from './match-globs.js'
import { parseReplacement } from './parse-replacement.js'
import { RewriteError } from './rewrite-text.js'

/** @import { RuleProblem, RuleText } from './messages.ts' */
/** @import { Piece } from './parse-replacement.js' */

/**
 * A rule that is ready: of a text, the bytes to look for and those to put there; of a pattern, its
 * engine, and the pieces of its replacement.
 * @typedef {{ appliesTo: (path: string) => boolean } & (
 *   { kind: 'text', needle: Buffer, replacement: Buffer } |
 *   { kind: 'pattern', regex: RRegex, pieces: Piece[], marks: string, groups: number }
 * )} Rule
 */

/**
 * Where a match is and what its groups matched is told by NUL characters, which no text file has:
 * one in front, and one behind each group that the replacement names.
 */
const mark = '\0'

/** Characters of all replacements together, once variables have their values. */
const maxReplacements = 64 * 1024 * 1024

/**
 * Makes rules ready that `checkRules` has nothing against. Throws a RewriteError where they are too large.
 * @param {readonly RuleText[]} rules
 * @param {Readonly<Record<string, string>>} variables
 * @returns {{ rules: Rule[], unknown: string[] }}
 */
export function compileRules(rules, variables) {
  /** @type {Set<string>} */
  const unknown = new Set()
  let written = 0
  const compiled = rules.map((rule) => {
    const isRegex = rule.use_regex
    const parsed = parseReplacement(rule.replacement, { isRegex, variables })
    for (const name of parsed.unknown) unknown.add(name)
    for (const piece of parsed.pieces) written += typeof piece === 'string' ? piece.length : 0
    if (written > maxReplacements) {
      throw new RewriteError('With the values of their variables, the replacements are too large')
    }
    const { files = [] } = rule
    const appliesTo = files.length === 0 ? () => true : matchGlobs(files)
    if (!isRegex) {
      const replacement = Buffer.from(parsed.pieces.map(String).join(''))
      const needle = Buffer.from(rule.pattern)
      return /** @type {const} */ ({ kind: 'text', appliesTo, needle, replacement })
    }
    const groups = parsed.pieces.flatMap((piece) =>
      typeof piece === 'string' ? [] : `\${${piece.group}}${mark}`,
    )
    return /** @type {const} */ ({
      kind: 'pattern',
      appliesTo,
      regex: new RRegex(rule.pattern),
      pieces: parsed.pieces,
      marks: mark + groups.join(''),
      groups: groups.length,
    })
  })
  return { rules: compiled, unknown: [...unknown] }
}

/** Groups that one replacement may name: each is one more copy of what it matched. */
const maxGroups = 20

/**
 * What is wrong with rules, all of it.
 * @param {readonly RuleText[]} rules
 * @returns {RuleProblem[]}
 */
export function checkRules(rules) {
  return rules.flatMap((rule, index) => [
    ...(rule.use_regex ? checkPattern(rule, index) : []),
    ...(rule.files ?? []).flatMap((glob, at) => {
      const message = globProblem(glob)
      return message === null ? [] : [{ path: `/${index}/files/${at}`, message }]
    }),
  ])
}

/**
 * @param {RuleText} rule
 * @param {number} index
 * @returns {RuleProblem[]}
 */
function checkPattern(rule, index) {
  /** @type {RRegex} */
  let regex
  try {
    regex = new RRegex(rule.pattern)
  } catch (error) {
    return [{ path: `/${index}/pattern`, message: explainRefusal(error) }]
  }
  const names = new Set(regex.captureNames().filter((name) => name !== null))
  const last = regex.captureNames().length - 1
  regex.free()
  const { pieces } = parseReplacement(rule.replacement, { isRegex: true, variables: {} })
  const groups = pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.group]))
  const missing = new Set(
    groups.filter((group) => (/^\d/.test(group) ? Number(group) > last : !names.has(group))),
  )
  const path = `/${index}/replacement`
  const problems = [...missing].map((group) => ({
    path,
    message: `names the group ${group}, which the pattern does not have`,
  }))
  if (groups.length > maxGroups) {
    problems.push({ path, message: `names groups more than ${maxGroups} times` })
  }
  return problems
}

/**
 * What the engine has against a pattern, and where: it draws a picture of that.
 * @param {unknown} error
 */
function explainRefusal(error) {
  const text = error instanceof Error ? error.message : String(error)
  const reason = /^error: (.*)/m.exec(text)?.[1]
  if (reason === undefined) {
    return /size limit/.test(text)
      ? 'is too large once its repetitions are written out'
      : 'is not a regular expression that can be used'
  }
  const position = positionIn(text)
  return `is not a valid regular expression: ${reason}${position === null ? '' : ` at ${position}`}`
}

/**
 * @param {string} text such as "regex parse error:\n    a(b\n     ^\nerror: …"
 * @returns {string | null}
 */
function positionIn(text) {
  const lines = text.split('\n')
  const marked = lines.findIndex((line) => /^\s*\^[\s^]*$/.test(line))
  if (marked < 1) return null
  const column = (lines[marked] ?? '').indexOf('^')
  const numbered = /^\s*(\d+): /.exec(lines[marked - 1] ?? '')
  if (numbered === null) return `position ${column - 4 + 1}`
  return `line ${numbered[1]}, position ${column - numbered[0].length + 1}`
}

/** @param {string} glob */
function globProblem(glob) {
  const positive = glob.startsWith('!') ? glob.slice(1) : glob
  try {
    globToPattern(positive)
    matchGlobs([glob])
    return null
  } catch (error) {
    return error instanceof SyntaxError ? error.message : 'cannot be used as a glob'
  }
}
