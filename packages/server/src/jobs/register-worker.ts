import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'

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
  /** Of the program. */
  version?: string
}

/** What a worker is told each time it says that it is alive. */
export interface Registration {
  /** False: the ledger did not know it (the first time, or when it had been given up): it holds no job then. */
  known: boolean
  /** It is to take no new jobs; the ledger gives it none. */
  draining: boolean
}

/** Whose a worker of another machine is: only who comes with the same token may act in its name. */
export interface WorkerPrincipal {
  id: string
  /** For people. */
  name: string
}

/**
 * Says that the worker is alive: registration and heartbeat are the same act. Without a principal it is a
 * server's own. An `authorization_failed` where somebody else has registered this id.
 */
export async function registerWorker(
  deps: { db: Kysely<Tables> },
  worker: WorkerIdentity,
  principal: WorkerPrincipal | null = null,
): Promise<Registration> {
  const { rows } = await sql<Registration>`
    insert into workers (id, name, home, types, capacity, version, principal, principal_name)
    values (${worker.id}::uuid, ${worker.name}, ${worker.home}, ${worker.types}::text[],
            ${worker.capacity}, ${worker.version ?? null}, ${principal?.id ?? null},
            ${principal?.name ?? null})
    on conflict (id) do update set last_seen_at = now()
     where workers.principal is not distinct from excluded.principal
    returning xmax::text <> '0' as known, draining`.execute(deps.db)
  const [row] = rows
  if (row === undefined) {
    throw new AppError('authorization_failed', 'Another token has registered this worker')
  }
  return row
}
