import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

export interface ConfigurationsDeps {
  db: Kysely<Tables>
}
