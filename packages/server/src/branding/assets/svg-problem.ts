import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { SaxesParser } from 'saxes'

const svgNamespace = 'http://www.w3.org/2000/svg'
/** Characters that are parsed before others have a turn. */
const slice = 64 * 1024
const activeElements: ReadonlySet<string> = new Set([
  'script',
  'iframe',
  'object',
  'embed',
  'handler',
])

/**
 * Why a text is no drawing that may be shown to people; null when it is one: well-formed XML, an `svg`
 * at its root, no scripts, nothing that runs, and no entities of its own.
 */
export async function svgProblem(text: string): Promise<string | null> {
  let problem: string | null = null
  let depth = 0
  const refuse = (what: string) => void (problem ??= what)
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => refuse(`is not well-formed: ${error.message}`))
  parser.on('doctype', (doctype) => {
    if (doctype.includes('[')) refuse('declares entities')
  })
  parser.on('processinginstruction', ({ target, body }) => {
    // A style sheet of XSLT runs.
    const isSheet = target.toLowerCase() === 'xml-stylesheet'
    if (isSheet && !/\btype\s*=\s*["']text\/css["']/.test(body))
      refuse('has a style sheet that is no CSS')
  })
  parser.on('opentag', ({ local, uri, attributes }) => {
    if (depth++ === 0 && (local !== 'svg' || uri !== svgNamespace)) refuse('has no svg at its root')
    if (activeElements.has(local.toLowerCase())) refuse(`has the element ${local}`)
    for (const { local: name, value } of Object.values(attributes)) {
      if (/^on/i.test(name)) refuse(`has the attribute ${name}`)
      const reference = value.replaceAll(/[\0-\x20]/g, '')
      if (
        /^(href|src|from|to|values)$/i.test(name) &&
        // Of `values` there are several.
        /(?:^|;)(?:javascript|vbscript|data:text)/i.test(reference)
      )
        refuse(`has a script in the attribute ${name}`)
    }
  })
  for (let at = 0; at < text.length && problem === null; at += slice) {
    parser.write(text.slice(at, at + slice))
    await yieldToOthers()
  }
  if (problem === null) parser.close()
  return problem
}
