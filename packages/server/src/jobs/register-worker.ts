import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** One process that works on jobs, or at least holds duties. */
export interface WorkerIdentity {
  /** A UUID made when the process starts. */
  id: string
  /** For people. */
  name: string
  /** The data directory it owns, as host and path: whoever owns it later knows this one to be dead. */
  home: string
  /** Empty for a server that takes no jobs. */
  types: readonly string[]
  capacity: number
}

/**
 * Says that the worker is alive: registration and heartbeat are the same act. `known` is false when
 * the ledger did not know it (the first time, or when it had been given up): it holds no job then.
 */
export async function registerWorker(
  deps: { db: Kysely<Tables> },
  worker: WorkerIdentity,
): Promise<{ known: boolean }> {
  const { rows } = await sql<{ known: boolean }>`
    insert into workers (id, name, home, types, capacity)
    values (${worker.id}::uuid, ${worker.name}, ${worker.home}, ${worker.types}::text[],
            ${worker.capacity})
    on conflict (id) do update set last_seen_at = now()
    returning xmax::text <> '0' as known`.execute(deps.db)
  return { known: rows[0]?.known ?? false }
}
