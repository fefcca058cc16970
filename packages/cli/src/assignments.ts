import { CliError } from './cli-error.ts'

/** What `name=value` of an option that is given several times says. */
export function assignments(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new CliError(`${text} is no name=value`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}
