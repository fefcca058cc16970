import type { ConfigurationUsageResponse } from '@slipway/contract/configurations'
import { sql } from 'kysely'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import { findConfiguration, things } from './configuration-rows.ts'
import type { ConfigurationsDeps } from './deps.ts'

const mostCounted = 1_000

/** How many builds refer to a configuration, and the newest of them. */
export async function readUsage(
  { db }: ConfigurationsDeps,
  input: { principal: Principal; id: number },
): Promise<Omit<ConfigurationUsageResponse, 'success'>> {
  const { principal, id } = input
  requireUnlimited(principal, things)
  await findConfiguration(db, id)
  const { rows } = await sql<{ builds: number; last: number | null }>`
    select count(*)::integer as builds, max(id)::integer as last from (
      select id from builds where configuration_id = ${id}
       order by id desc limit ${mostCounted + 1}) as newest`.execute(db)
  const { builds = 0, last = null } = rows[0] ?? {}
  return {
    builds: Math.min(builds, mostCounted),
    at_least: builds > mostCounted,
    last_build_id: last,
  }
}
