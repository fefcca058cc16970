import { Composer, type CST, type Document, Lexer, type LineCounter, Parser } from 'yaml'
import { limits } from './limits.ts'

/** More faults than this are not looked for: each costs the parser dearly. */
const maxFaults = 50
/** Open collections, each with its entry. */
const maxStack = 4 * limits.depth

export interface YamlFault {
  code: string
  message: string
  /** Where in the text, in UTF-16 units. */
  offset: number
}

/**
 * The first YAML 1.2 document of a text, or all faults found in it. Gives up after
 * `maxFaults`, so that a file of nothing but errors costs no more than another.
 */
export function parseYaml(text: string, lineCounter: LineCounter): Document.Parsed | YamlFault[] {
  const faults: YamlFault[] = []
  const tooMany = new Error('too many faults')

  const report = (fault: YamlFault): void => {
    faults.push(fault)
    if (faults.length < maxFaults) return
    faults.push({ ...fault, code: 'TOO_MANY', message: 'too many errors; the rest was not read' })
    throw tooMany
  }

  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    // That check compares every key with every other; `readYaml` does it in linear time.
    uniqueKeys: false,
    lineCounter,
  })
  listen(composer, report)

  // What is nested too deeply must not reach the composer, which recurses: a regular expression
  // that V8 compiles near the end of the stack takes the whole process down.
  function* tokens() {
    lineCounter.addNewLine(0)
    const parser = new Parser(lineCounter.addNewLine)
    for (const lexeme of new Lexer().lex(text)) {
      for (const token of parser.next(lexeme)) yield* accepted(token)
      if (parser.stack.length > maxStack) throw new RangeError('nested too deeply')
    }
    for (const token of parser.end()) yield* accepted(token)
  }

  function* accepted(token: CST.Token) {
    if (token.type !== 'error') yield token
    else report({ code: 'UNEXPECTED_TOKEN', message: token.message, offset: token.offset })
  }

  let first: Document.Parsed | undefined
  try {
    for (const document of composer.compose(tokens(), true, text.length)) {
      if (first === undefined) {
        first = document
        continue
      }
      report({ code: 'MULTIPLE_DOCS', message: '', offset: document.range[0] })
      break
    }
  } catch (error) {
    if (error instanceof RangeError) {
      faults.push({ code: 'TOO_DEEP', message: 'nested too deeply', offset: 0 })
    } else if (error !== tooMany) {
      throw error
    }
  }
  if (faults.length > 0 || first === undefined) return faults
  const missed = [...first.errors, ...first.warnings]
  if (missed.length === 0) return first
  return missed.map(({ code, message, pos }) => ({ code, message, offset: pos[0] }))
}

// The composer keeps its listener to itself; a test with a file full of errors tells when that changes.
function listen(composer: Composer, report: (fault: YamlFault) => void): void {
  Object.defineProperty(composer, 'onError', {
    value: (
      source: number | [number, number] | { offset: number },
      code: string,
      message: string,
    ) => {
      const offset =
        typeof source === 'number' ? source : Array.isArray(source) ? source[0] : source.offset
      report({ code, message, offset })
    },
  })
}
