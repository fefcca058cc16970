/** One way to authenticate that a server offers in `WWW-Authenticate` (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower-cased: `basic`, `bearer`. */
  scheme: string
  /** By lower-cased name. */
  parameters: Readonly<Record<string, string>>
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const parameter =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))/y
const between = /[ \t,]*/y

/** Reads the challenges of a header; what cannot be understood ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = []
  let position = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const found = pattern.exec(header)
    if (found !== null) position = pattern.lastIndex
    return found
  }
  for (match(between); position < header.length; match(between)) {
    const current = challenges.at(-1)
    const found = current === undefined ? null : match(parameter)
    if (current !== undefined && found !== null) {
      const [, name = '', quoted, plain = ''] = found
      const value = quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1')
      Object.assign(current.parameters, { [name.toLowerCase()]: value })
      continue
    }
    const scheme = match(token)
    if (scheme === null) return challenges
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: {} })
  }
  return challenges
}
