import type { Duplex } from 'node:stream'
import { AppError } from '../errors.ts'

/**
 * How a container gets an environment that is not in its configuration, where everybody who may inspect
 * containers would read it, nor in a file: its first command is a shell that reads it from its stdin, to
 * which the engine connects us, and then becomes the command itself. If we die meanwhile, the engine
 * closes stdin, and the shell ends without having run anything.
 */

const name = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Set by the last line of what is handed over: without it something is missing. */
const complete = 'slipway_complete'
/** What the shell answers then. */
export const incompleteCode = 125
/** Milliseconds that the engine has to take over what was written. */
const closeMs = 10_000

/**
 * A script for `sh -c`, the command being its arguments. stdout and stderr become one stream, so that the
 * order in which they are written is kept.
 */
export const lateStartScript = [
  '. /dev/stdin',
  `[ "$${complete}" = 1 ] || { echo 'The container was not told its environment' >&2; exit ${incompleteCode}; }`,
  `unset ${complete} HOSTNAME`,
  'exec "$@" </dev/null 2>&1',
].join('\n')

/** What is written to the shell. An `invalid_request` names variables that no shell can set. */
export function encodeLateEnvironment(env: Readonly<Record<string, string>>): string {
  const entries = Object.entries(env)
  const odd = entries.filter(([key, value]) => !name.test(key) || value.includes('\0'))
  if (odd.length > 0) {
    const names = odd.map(([key]) => JSON.stringify(key)).join(', ')
    throw new AppError(
      'invalid_request',
      `The environment variable ${names} cannot be passed on: a name is letters, digits and _, and a value has no NUL`,
    )
  }
  const lines = entries.map(([key, value]) => `export ${key}='${value.replaceAll("'", `'\\''`)}'`)
  return [...lines, `${complete}=1`, ''].join('\n')
}

/** Lets go of a connection that was written to, once the engine has taken everything. */
export function closeWhenTaken(attached: Duplex): void {
  const timer = setTimeout(() => attached.destroy(), closeMs)
  attached.once('close', () => clearTimeout(timer))
  attached.once('end', () => attached.destroy())
  attached.resume()
}
