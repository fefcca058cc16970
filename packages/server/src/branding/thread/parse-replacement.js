/**
 * A piece of a replacement: a text as it is, or what a group of the pattern matched.
 * @typedef {string | { group: string }} Piece
 */

/** `{{name}}`, `$1`, `${name}`, `$$`; a dollar sign before anything else is one. */
const placeholder =
  /\{\{[ \t]*([A-Za-z_][\w.-]*)[ \t]*\}\}|\$(?:(\$)|(\d{1,9})|\{([A-Za-z_]\w*|\d{1,9})\})/g

/**
 * Reads a replacement. Values of variables are texts as they are, whatever is in them. A variable
 * without a value stays as it is written, and is among `unknown`.
 * @param {string} replacement
 * @param {{ isRegex: boolean, variables: Readonly<Record<string, string>> }} options
 * @returns {{ pieces: Piece[], unknown: string[] }}
 */
export function parseReplacement(replacement, { isRegex, variables }) {
  /** @type {Piece[]} */
  const pieces = []
  /** @type {Set<string>} */
  const unknown = new Set()
  let text = ''
  let at = 0
  for (const match of replacement.matchAll(placeholder)) {
    const [whole, name, dollar, digits, braced] = match
    text += replacement.slice(at, match.index)
    at = match.index + whole.length
    if (name !== undefined) {
      if (Object.hasOwn(variables, name)) text += variables[name] ?? ''
      else {
        unknown.add(name)
        text += whole
      }
    } else if (!isRegex) text += whole
    else if (dollar !== undefined) text += '$'
    else {
      if (text !== '') pieces.push(text)
      text = ''
      const group = digits ?? braced ?? ''
      pieces.push({ group: /^\d/.test(group) ? String(Number(group)) : group })
    }
  }
  text += replacement.slice(at)
  if (text !== '') pieces.push(text)
  return { pieces, unknown: [...unknown] }
}
