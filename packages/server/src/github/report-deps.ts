import type { Kysely } from 'kysely'
import type { Tracer } from '../correlation.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { GitHub } from '../ports/github.ts'

/** What telling GitHub needs. */
export interface ReportDeps {
  db: Kysely<Tables>
  github: GitHub
  /** Where clients reach us, for links. */
  publicUrl: () => string
  /** Default: nothing is traced. */
  tracer?: Tracer | null
}
