import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Mirrors } from '../git/index.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { RepositoriesDeps } from '../repositories/index.ts'

/** What the functions of this room need, all together. */
export interface BrandingDeps {
  db: Kysely<Tables>
  objects: ObjectStore
  /** Lets patterns be compiled by few at once. */
  oneByOne: <T>(task: () => Promise<T>) => Promise<T>
}

/** What a preview needs besides. */
export interface PreviewDeps extends BrandingDeps {
  repositories: RepositoriesDeps
  mirrors: Mirrors
  /** What is previewed where a request names no repository. */
  official: OfficialSource
  /** A directory of the server's own for what previews check out; made when it is needed. */
  workDirectory: string
  previews: PreviewLimits
}

export interface OfficialSource {
  /** `owner/name`: who may see it. */
  name: string
  url: string
  branch: string
}

export interface PreviewLimits {
  /** Previews that run at once on this server; a further one is refused. */
  atOnce: number
  /** Milliseconds that one may take, from the first byte it fetches. */
  timeoutMs: number
}
