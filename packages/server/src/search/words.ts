/** A word of a text, and where it is. */
export interface Word {
  /** Lower case, at most `maxLength` characters. */
  text: string
  from: number
  to: number
}

const maxLength = 100
/** PostgreSQL keeps positions up to here; what comes later counts as being there. */
const lastPosition = 16_383
/** Escape sequences of terminals (ECMA-48: CSI, OSC and single characters). */
// eslint-disable-next-line no-control-regex
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g

/** Takes the colours and other control sequences out of a line of a log. */
export function plainText(line: string): string {
  return line.replace(escapes, '')
}

/** Words are runs of letters, digits and `_`: `src/main.ts` is three. */
export function* wordsOf(text: string): Generator<Word> {
  for (const match of text.matchAll(/[\p{L}\p{M}\p{N}_]+/gu)) {
    const [found] = match
    const word = found.toLowerCase().slice(0, maxLength)
    // A pair of surrogates may have been cut in two.
    yield { text: Buffer.from(word).toString(), from: match.index, to: match.index + found.length }
  }
}

/** The text as PostgreSQL's input of a tsvector (PostgreSQL, "Text Search Types"). */
export function tsvectorOf(text: string): string {
  const positions = new Map<string, number[]>()
  let position = 0
  for (const word of wordsOf(text)) {
    position = Math.min(position + 1, lastPosition)
    const known = positions.get(word.text)
    if (known === undefined) positions.set(word.text, [position])
    // More positions of one word are not kept there either.
    else if (known.length < 255 && known.at(-1) !== position) known.push(position)
  }
  return [...positions].map(([word, at]) => `'${word}':${at.join(',')}`).join(' ')
}

/** What every document of a repository has besides its words, as PostgreSQL reads it; no word begins so. */
export function repositoryWord(repository: string): string {
  return `'@${repository.replaceAll(/['\\]/g, '$&$&')}'`
}
