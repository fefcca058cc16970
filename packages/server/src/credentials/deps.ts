import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Vault } from '../secrets/index.ts'

export interface CredentialsDeps {
  db: Kysely<Tables>
  vault: Vault
}
