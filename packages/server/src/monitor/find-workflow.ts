import { sql } from 'kysely'
import type { MonitorDeps } from './deps.ts'
import type { Watched } from './watched.ts'

/** A workflow's id by its id, the name of its file, or its path; null where the repository has none. */
export async function findWorkflow(
  { db }: Pick<MonitorDeps, 'db'>,
  { watched, text }: { watched: Watched; text: string },
): Promise<number | null> {
  const asId = /^\d{1,15}$/.test(text) ? Number(text) : null
  const { rows } = await sql<{ id: number }>`
    select id from workflows
    where repository_id = ${watched.id}
      and (id = ${asId}::bigint or path = ${text} or split_part(path, '/', -1) = ${text})
    -- An id is meant as such, and a file that is there before one that was.
    order by id = ${asId}::bigint desc nulls last, state = 'deleted', id desc limit 1`.execute(db)
  return rows[0]?.id ?? null
}
