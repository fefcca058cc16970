import { type Kysely, sql } from 'kysely'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'

/**
 * Where the newest of a log is: in a data directory; or, with `home` null, in the object store, until
 * somebody goes on with it. A log that is nowhere is whole in the object store, or has not begun.
 */
export interface LogPlace {
  home: string | null
}

/** Ours, with where it was before; or still another's. */
export type LogClaim =
  | { ours: true; before: 'nowhere' | 'here' | 'parked' }
  | { ours: false; home: string }

/** The logs of all servers that are not whole in the object store. */
export interface LogPlaces {
  /** Makes the log ours, unless another data directory has it. */
  claim(key: string): Promise<LogClaim>
  /** Makes the log ours although `from` had it. False: it is no longer there. */
  takeOver(key: string, from: string): Promise<boolean>
  find(key: string): Promise<LogPlace | null>
  /** Says that the log, which `from` had, waits in the object store. */
  park(key: string, from: string): Promise<void>
  /**
   * Says that the log is whole in the object store, or not wanted any more. Nothing happens if neither
   * `from` (by default this server's data directory) has it nor nobody.
   */
  forget(key: string, from?: string): Promise<void>
  /** The same of all parked ones at or under `keyOrPrefix`. */
  forgetParked(keyOrPrefix: string): Promise<void>
  /** The same of all that are ours but not among these. */
  forgetOursBut(keys: readonly string[]): Promise<void>
  /** Forgets all logs under the prefix; answers the other data directories that had some. */
  forgetUnder(prefix: string): Promise<string[]>
  /** Of these keys, those that are ours. */
  ours(keys: readonly string[]): Promise<Set<string>>
  /** Keys of parked logs under the prefix, at most 10,000. */
  listParked(prefix: string): Promise<string[]>
  /** Resolves when the log is no longer at `seen`, `signal` aborts, or after `timeoutMs`. */
  changed(
    key: string,
    seen: LogPlace | null,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<void>
}

/** How often it is looked whether a log that somebody waits for is elsewhere now; all of them at once. */
const lookMs = 250
const mostParked = 10_000

interface Waiter {
  key: string
  seen: string | null | undefined
  wake: () => void
}

export function createLogPlaces(deps: {
  db: Kysely<Tables>
  log: Log
  /** Id of this server's data directory. */
  home: string
}): LogPlaces {
  const { db, home, log } = deps
  const waiting = new Set<Waiter>()
  let timer: NodeJS.Timeout | null = null

  /** What happens here is told at once. */
  const tell = (key: string, now: string | null | undefined) => {
    for (const waiter of waiting) if (waiter.key === key && waiter.seen !== now) waiter.wake()
  }

  const look = async () => {
    const keys = [...new Set([...waiting].map(({ key }) => key))]
    const { rows } = await sql<{ key: string; home: string | null }>`
      select key, home from live_logs where key = any(${keys}::text[])`.execute(db)
    const now = new Map(rows.map((row) => [row.key, row.home]))
    const asked = new Set(keys)
    for (const waiter of waiting) {
      if (asked.has(waiter.key) && now.get(waiter.key) !== waiter.seen) waiter.wake()
    }
  }

  const lookLater = () => {
    if (timer !== null || waiting.size === 0) return
    timer = setTimeout(() => {
      look()
        .catch((error: unknown) => log.warn({ err: error }, 'it is not known where logs are'))
        .finally(() => {
          timer = null
          lookLater()
        })
    }, lookMs)
  }

  return {
    async claim(key) {
      for (;;) {
        const { rows } = await sql<{
          was: 'nowhere' | 'parked' | 'at'
          before: string
          ours: boolean
        }>`
          with before as (select home from live_logs where key = ${key}),
               taken as (
                 insert into live_logs (key, home) values (${key}, ${home})
                 on conflict (key) do update set home = excluded.home
                  where live_logs.home is null or live_logs.home = excluded.home
                 returning key
               )
          select case when not exists (select from before) then 'nowhere'
                      when (select home from before) is null then 'parked' else 'at' end as was,
                 coalesce((select home from before), '') as before,
                 exists (select from taken) as ours`.execute(db)
        const [row] = rows
        if (row?.ours === true) {
          tell(key, home)
          return { ours: true, before: row.was === 'at' ? 'here' : row.was }
        }
        // Else somebody took it while the statement ran, and the next look sees them.
        if (row?.was === 'at' && row.before !== home) return { ours: false, home: row.before }
      }
    },

    async takeOver(key, from) {
      const { numAffectedRows } = await sql`
        update live_logs set home = ${home}, since = now() where key = ${key} and home = ${from}
      `.execute(db)
      if (numAffectedRows === 1n) tell(key, home)
      return numAffectedRows === 1n
    },

    async find(key) {
      const { rows } = await sql<LogPlace>`select home from live_logs where key = ${key}`.execute(
        db,
      )
      return rows[0] ?? null
    },

    async park(key, from) {
      await sql`update live_logs set home = null where key = ${key} and home = ${from}`.execute(db)
      tell(key, null)
    },

    async forget(key, from = home) {
      await sql`
        delete from live_logs where key = ${key} and (home is null or home = ${from})`.execute(db)
      tell(key, undefined)
    },

    async forgetParked(keyOrPrefix) {
      const which = keyOrPrefix.endsWith('/')
        ? sql`key >= ${keyOrPrefix} and key < ${endOf(keyOrPrefix)}`
        : sql`key = ${keyOrPrefix}`
      await sql`delete from live_logs where ${which} and home is null`.execute(db)
    },

    async forgetOursBut(keys) {
      await sql`
        delete from live_logs where home = ${home} and not key = any(${keys}::text[])`.execute(db)
    },

    async forgetUnder(prefix) {
      const { rows } = await sql<{ home: string }>`
        with gone as (
          delete from live_logs where key >= ${prefix} and key < ${endOf(prefix)} returning home
        )
        select distinct home from gone where home is not null and home <> ${home}`.execute(db)
      return rows.map((row) => row.home)
    },

    async ours(keys) {
      const { rows } = await sql<{ key: string }>`
        select key from live_logs where key = any(${keys}::text[]) and home = ${home}`.execute(db)
      return new Set(rows.map(({ key }) => key))
    },

    async listParked(prefix) {
      const { rows } = await sql<{ key: string }>`
        select key from live_logs
         where key >= ${prefix} and key < ${endOf(prefix)} and home is null
         order by key limit ${mostParked}`.execute(db)
      return rows.map(({ key }) => key)
    },

    changed(key, seen, signal, timeoutMs) {
      if (signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(late)
          signal.removeEventListener('abort', done)
          waiting.delete(waiter)
          resolve()
        }
        const waiter: Waiter = { key, seen: seen === null ? undefined : seen.home, wake: done }
        const late = timeoutMs === undefined ? undefined : setTimeout(done, timeoutMs)
        signal.addEventListener('abort', done, { once: true })
        waiting.add(waiter)
        lookLater()
      })
    },
  }
}

/** The first text behind all that begin with the prefix, which ends in `/`. */
function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}0`
}
