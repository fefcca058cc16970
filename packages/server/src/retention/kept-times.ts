import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { type ConfiguredTimes, type KeptMs, type Kind, kinds } from './kinds.ts'
import type { PartName } from './parts.ts'

/** What whoever removes finished things goes by. */
export interface KeptTimes {
  /** As they are at this moment: read anew for each pass, so a change holds on every server. */
  read(): Promise<KeptMs>
  /** Notes the end of a pass, and what it has removed. */
  note(part: PartName, removed: number): Promise<void>
}

/** A time that was changed by the API. */
export interface ChangedTime {
  kind: Kind
  keptMs: number
  changedBy: string
  changedAt: Date
}

export function openKeptTimes(
  { db }: { db: Kysely<Tables> },
  configured: ConfiguredTimes,
): KeptTimes {
  return {
    async read() {
      const changed = await readChanged(db, configured)
      const times = kinds.map((kind) => [
        kind,
        changed.get(kind)?.keptMs ?? configured.keptMs[kind],
      ])
      return Object.fromEntries(times) as KeptMs
    },
    async note(part, removed) {
      await sql`
        insert into retention_passes as pass (part, ended_at, removed)
        values (${part}, now(), ${removed})
        on conflict (part) do update
          set ended_at = excluded.ended_at, removed = excluded.removed`.execute(db)
    },
  }
}

/** What was changed, but for what the configuration has come to fix since. */
export async function readChanged(
  db: Kysely<Tables>,
  { fixed }: ConfiguredTimes,
): Promise<Map<Kind, ChangedTime>> {
  const { rows } = await sql<{ kind: Kind; ms: string; by: string; at: Date }>`
    select kind, kept_ms::text as ms, changed_by as by, changed_at as at from retention_times
  `.execute(db)
  const changed = rows
    .filter(({ kind }) => fixed[kind] === undefined)
    .map(({ kind, ms, by, at }): [Kind, ChangedTime] => [
      kind,
      { kind, keptMs: Number(ms), changedBy: by, changedAt: at },
    ])
  return new Map(changed)
}
