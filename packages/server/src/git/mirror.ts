import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { withoutCredentials } from './git-error.ts'

/** A repository's local mirror: what was fetched of it once is not fetched again. */
export interface Mirror {
  /** The bare repository. */
  directory: string
  /** Where it is fetched from, without credentials. */
  url: string
}

/**
 * The mirror of a URL: in a directory with a name that any URL maps to, readable and safe.
 * `keptFor` has a mirror of its own: what a credential opened is not there for who has none.
 */
export function mirrorOf(parent: string, url: string, keptFor: string | null = null): Mirror {
  const plain = withoutCredentials(url)
  const readable = plain
    .replace(/^.*?:\/\//, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(-60)
  const digest = createHash('sha256')
    .update(keptFor === null ? plain : `${plain}\0${keptFor}`)
    .digest('hex')
    .slice(0, 12)
  return { directory: join(parent, `${readable}-${digest}.git`), url: plain }
}
