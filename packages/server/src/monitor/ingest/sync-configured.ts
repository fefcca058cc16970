import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import type { IngestDeps } from './deps.ts'

/**
 * Makes the watched repositories those of the setting. What it does not name any more is kept as what
 * somebody once asked for; without the setting, what it named counts as detected.
 */
export async function syncConfigured(
  deps: Pick<IngestDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'configured'>,
): Promise<void> {
  const { configured } = deps
  await transact(deps, async ({ trx }) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('monitored repositories', 0))`.execute(
      trx,
    )
    if (configured === null) {
      await sql`update monitored_repositories set source = 'detected' where source = 'configured'`.execute(
        trx,
      )
      return
    }
    const names = [...new Map(configured.map((name) => [name.toLowerCase(), name])).values()]
    await sql`
      update monitored_repositories set source = 'read'
      where source <> 'read' and lower(full_name) <> all(${names.map((name) => name.toLowerCase())}::text[])
    `.execute(trx)
    await sql`
      insert into monitored_repositories (full_name, source)
      select name, 'configured' from unnest(${names}::text[]) as name
      on conflict (lower(full_name)) do update set source = 'configured'
      where monitored_repositories.source <> 'configured'`.execute(trx)
  })
}
