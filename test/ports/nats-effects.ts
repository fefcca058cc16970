import { sql } from 'kysely'
import { expect } from 'vitest'
import type { JobHandler } from '../../packages/server/src/ports/job-bus.ts'
import type { NatsWorld } from './nats-world.ts'

/** Handlers whose every entry and effect is counted in the database. */
export interface Effects {
  handle: JobHandler
  /** Jobs that were begun, and whether any was more than once. */
  count(): Promise<{ jobs: number; most: number }>
  /** Waits until all of these have succeeded at the first attempt, each with one effect. */
  expectOnce(ids: readonly string[]): Promise<void>
}

const patienceMs = 60_000

export async function countEffects(world: NatsWorld): Promise<Effects> {
  const { db } = world.database
  await sql`create table effects (job_id uuid not null)`.execute(db)
  const count = async () => {
    const { rows } = await sql<{ jobs: number; most: number }>`
      select count(*)::integer as jobs, coalesce(max(entries), 0)::integer as most
        from (select count(*) as entries from effects group by job_id) as by_job`.execute(db)
    return rows[0] ?? { jobs: 0, most: 0 }
  }
  return {
    async handle({ id }) {
      await sql`insert into effects values (${id}::uuid)`.execute(db)
      return { state: 'succeeded', result: null }
    },
    count,
    async expectOnce(ids) {
      const states = async () => {
        const { rows } = await sql<{ state: string; attempt: number; jobs: number }>`
          select state, attempt, count(*)::integer as jobs from jobs
           where id = any (${ids}::uuid[]) group by state, attempt`.execute(db)
        return rows
      }
      await expect
        .poll(states, { timeout: patienceMs, interval: 200 })
        .toEqual([{ state: 'succeeded', attempt: 1, jobs: ids.length }])
      expect(await count()).toEqual({ jobs: ids.length, most: 1 })
    },
  }
}
