import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Mirrors } from '../git/index.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { RepositoriesDeps } from '../repositories/index.ts'
import type { PreviewTurns } from './limit-previews.ts'

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
  takePreviewTurn: PreviewTurns
  /** Milliseconds that a preview may take, with all that it fetches. */
  previewTimeoutMs: number
}

export interface OfficialSource {
  /** `owner/name`: who may see it. */
  name: string
  url: string
  branch: string
}
