const closers: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' }

/** What has no meaning of its own in CSS, in the order in which it is looked for. */
const opaque =
  /\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|url\(\s*(?:[^"'()\\\s]|\\[\s\S])+\s*\)|<!--|-->|\\[\s\S]|[{}()[\];"'<]|\/\*/gi

/**
 * Why a text is no style sheet; null when it is one: its strings, comments and brackets are closed, it
 * has a rule or a statement, and nothing that looks like markup. Takes time linear in the text.
 */
export function cssProblem(text: string): string | null {
  const open: string[] = []
  let statements = 0
  for (const { 0: token, index } of text.matchAll(opaque)) {
    if (token === '"' || token === "'") return 'has a string that is not closed'
    if (token === '/*') return 'has a comment that is not closed'
    if (token === '<') {
      if (/^<[a-z!?/]/i.test(text.slice(index, index + 2))) return 'holds markup'
    } else if (token in closers) open.push(closers[token] ?? '')
    else if (token === ';' || token === '}' || token === ')' || token === ']') {
      if (token !== ';' && open.pop() !== token) return `has a ${token} too many`
      if (open.length === 0 && (token === '}' || token === ';')) statements += 1
    }
  }
  const missing = open.at(-1)
  if (missing !== undefined) return `lacks a ${missing}`
  return statements === 0 ? 'has no rules' : null
}
