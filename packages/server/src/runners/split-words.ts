/** Words as a shell has them, without anything that a shell would replace. Null: a quote is not closed. */
export function splitWords(text: string): string[] | null {
  const words: string[] = []
  let word: string | null = null
  let quote: string | null = null
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if (char === '\\' && quote !== "'") {
      const next = text[++at]
      if (next === undefined) return null
      const isKept = quote === '"' && !['"', '\\', '$', '`'].includes(next)
      word = (word ?? '') + (isKept ? `\\${next}` : next)
    } else if (quote !== null) {
      if (char === quote) quote = null
      else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + char
  }
  if (quote !== null) return null
  if (word !== null) words.push(word)
  return words
}
