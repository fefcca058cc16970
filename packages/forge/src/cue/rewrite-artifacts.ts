import type { DocumentProblem } from '../parsed-document.ts'

const identifier = /[\p{L}_$][\p{L}\p{Nd}_$]*/uy
const number = /\d[\w.]*/y
const stringStart = /(#*)("""|'''|"|')/y
const attributeName = /@([\p{L}_$][\p{L}\p{Nd}_$]*)(?=\()/uy
const argument = '(name|field)\\s*=\\s*(?:"([^"\\\\\\n]*)"|([\\w.-]+))'
const artifactAttribute = new RegExp(`@artifact\\(\\s*${argument}\\s*,\\s*${argument}\\s*\\)`, 'y')

/** What the scanner is inside of: a string, or parentheses in code. */
type Frame = { string: string; hashes: string } | 'parentheses'

/**
 * Replaces `_ @artifact(name="x", field="image")` in CUE source by the struct
 * `{"$artifact": {"name": "x", "field": "image"}}`, because no evaluator exports attributes.
 * Strings (raw, multi-line, interpolated ones too) and comments are left alone, and every
 * line keeps its number. Runs in linear time on any text; what is written wrongly is a problem.
 */
export function rewriteArtifacts(source: string): { source: string; problems: DocumentProblem[] } {
  const problems: DocumentProblem[] = []
  const frames: Frame[] = []
  let output = ''
  let copied = 0
  let position = 0
  /** Start of a lone `_` that only blanks separate from here. */
  let topStart = -1

  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const found = pattern.exec(source)
    if (found !== null) position += found[0].length
    return found
  }

  function scanString(frame: Exclude<Frame, string>): void {
    const escape = `\\${frame.hashes}`
    const multiline = frame.string.length === 3
    if (source.startsWith(frame.string + frame.hashes, position)) {
      position += frame.string.length + frame.hashes.length
      frames.pop()
    } else if (source.startsWith(escape, position)) {
      position += escape.length
      if (source[position] === '(') frames.push('parentheses')
      position += 1
    } else {
      // A string that is not closed on its line is CUE's to refuse; what follows is code again.
      if (source[position] === '\n' && !multiline) frames.pop()
      position += 1
    }
  }

  function scanAttribute(): void {
    const start = position
    const attribute = match(artifactAttribute)
    const arguments_ = attribute === null ? null : readArguments(attribute)
    if (attribute !== null && arguments_ !== null && topStart >= 0) {
      const newlines = '\n'.repeat(attribute[0].split('\n').length - 1)
      output += `${source.slice(copied, topStart)}{"$artifact": ${JSON.stringify(arguments_)}${newlines}}`
      copied = position
    } else {
      const line = source.slice(0, start).split('\n').length
      const message = 'Write it as _ @artifact(name="…", field="…"), with the lone _ before it.'
      // Beyond a handful they are all the same mistake, and counting lines is not free.
      if (problems.length < 20) problems.push({ path: '', line, message })
      if (attribute === null) match(attributeName)
    }
    topStart = -1
  }

  function scanCode(): void {
    const character = source[position]
    if (character === ' ' || character === '\t') {
      position += 1
      return
    }
    if (character === '@' && source.startsWith('@artifact(', position)) return scanAttribute()
    topStart = -1
    if (source.startsWith('//', position)) {
      const end = source.indexOf('\n', position)
      position = end < 0 ? source.length : end
      return
    }
    if (source.startsWith('_|_', position)) {
      position += 3
      return
    }
    const start = position
    const string = match(stringStart)
    if (string !== null) {
      frames.push({ hashes: string[1] ?? '', string: string[2] ?? '' })
      return
    }
    const name = match(identifier)
    if (name !== null) {
      if (name[0] === '_' && source[start - 1] !== '#') topStart = start
      return
    }
    if (match(number) !== null) return
    if (character === '(') frames.push('parentheses')
    if (character === ')' && frames.length > 0) frames.pop()
    position += 1
  }

  while (position < source.length) {
    const frame = frames.at(-1)
    if (frame !== undefined && frame !== 'parentheses') scanString(frame)
    else scanCode()
  }
  return { source: output + source.slice(copied), problems }
}

function readArguments(match: RegExpExecArray): { name: string; field: string } | null {
  const [, firstKey, firstText, firstWord, secondKey, secondText, secondWord] = match
  const values = new Map([
    [firstKey, firstText ?? firstWord ?? ''],
    [secondKey, secondText ?? secondWord ?? ''],
  ])
  const name = values.get('name')
  const field = values.get('field')
  return name === undefined || field === undefined ? null : { name, field }
}
