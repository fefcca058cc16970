import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { ArtifactStep } from './artifact-step.ts'

/** What the task of an artifact is to make, and whom its publishers are; null: there is no such task. */
export async function findArtifactStep(
  { db }: { db: Kysely<Tables> },
  input: { taskId: string },
): Promise<ArtifactStep | null> {
  const { rows } = await sql<{ definition: ArtifactStep }>`
    select s.definition from steps s join tasks t on t.id = s.task_id and t.kind = 'artifact'
     where s.task_id = ${input.taskId}::uuid order by s.attempt desc, s.position limit 1`.execute(
    db,
  )
  return rows[0]?.definition ?? null
}
