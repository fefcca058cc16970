import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { buildLogKey } from './build-log.ts'

/** The job of the ledger that writes the log of this key; null where no build has it. */
export async function findBuildLogJob(
  deps: { db: Kysely<Tables> },
  key: string,
): Promise<string | null> {
  const id = Number(/^builds\/([1-9]\d{0,8})\//.exec(key)?.[1])
  if (!Number.isSafeInteger(id) || key !== buildLogKey(id)) return null
  const { rows } = await sql<{ job_id: string | null }>`
    select job_id from builds where id = ${id}`.execute(deps.db)
  return rows[0]?.job_id ?? null
}

/** Whether the object is an asset of the branding template of a build that is in the worker's hands. */
export async function readsAsset(
  deps: { db: Kysely<Tables> },
  input: { workerId: string; key: string },
): Promise<boolean> {
  if (!input.key.startsWith('branding/')) return false
  const { rows } = await sql`
    select 1 from jobs j
      join builds b on b.job_id = j.id
      join branding_assets a on a.template_id = b.branding_template_id
     where j.worker_id = ${input.workerId}::uuid and j.state = 'running' and a.object_key = ${input.key}
     limit 1`.execute(deps.db)
  return rows.length === 1
}
