/** What a commit of the GitOps repository says, apart from its files. */
export interface CommitText {
  subject: string
  /** Last lines of the message, as git-interpret-trailers(1) reads them. */
  trailers: Readonly<Record<string, string>>
}

const longestValue = 200

/** One line for the subject, and a block of trailers; no value can begin a line of its own. */
export function composeMessage({ subject, trailers }: CommitText): string {
  const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${oneLine(value)}`)
  return `${oneLine(subject)}\n\n${lines.join('\n')}\n`
}

/** The text without line breaks and control characters, and not longer than a trailer may be. */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
    .slice(0, longestValue)
}
