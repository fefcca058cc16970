import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import { prefixLength, type Vault } from './vault.ts'

/** A column of sealed texts, for whoever has to find and read all of them. */
export interface SealedColumn {
  table: keyof Tables
  column: string
  purpose: string
  /** Columns whose values, joined by a line break, are the record's id in the vault; the first is the primary key. */
  identity: readonly [string, ...string[]]
  /** For messages: "The credential". The identity's values follow. */
  label: string
}

/** What is stored under a key that is not the newest: how much, and under keys that are not here. */
export interface KeyReport {
  /** Sealed under a key before the newest. */
  outdated: number
  /** Labels of records that no key here opens; at most 100. */
  lost: string[]
}

const batch = 200

/**
 * Seals everything anew that is sealed under an older key. Each record is its own statement: stopped
 * in between, the next call goes on; a record that changes meanwhile is left to its writer, who has
 * the newest key. What no key here opens stays as it is and is reported.
 */
export async function rotateKeys(
  deps: { db: Kysely<Tables>; vault: Vault },
  columns: readonly SealedColumn[],
): Promise<{ resealed: number; lost: string[] }> {
  const { db, vault } = deps
  let resealed = 0
  const lost: string[] = []
  for (const place of columns) {
    for await (const row of outdated(deps, place)) {
      const record = recordOf(place, row)
      let text: string
      try {
        text = vault.open(record, row.sealed)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        lost.push(error.message)
        continue
      }
      const column = sql.ref(place.column)
      const { numAffectedRows } = await sql`
        update ${sql.table(place.table)} set ${column} = ${vault.seal(record, text)}
         where ${sql.ref(place.identity[0])}::text = ${row.key} and ${column} = ${row.sealed}`.execute(
        db,
      )
      resealed += Number(numAffectedRows ?? 0)
    }
  }
  return { resealed, lost }
}

/** Looks for what is not under the newest key, and reads none of it. */
export async function checkKeys(
  deps: { db: Kysely<Tables>; vault: Vault },
  columns: readonly SealedColumn[],
): Promise<KeyReport> {
  const report: KeyReport = { outdated: 0, lost: [] }
  for (const place of columns) {
    for await (const row of outdated(deps, place)) {
      if (deps.vault.knows(row.sealed)) report.outdated++
      else if (report.lost.length < 100) report.lost.push(recordOf(place, row).label)
    }
  }
  return report
}

interface Row {
  key: string
  identity: string[]
  sealed: Buffer
}

async function* outdated(
  { db, vault }: { db: Kysely<Tables>; vault: Vault },
  place: SealedColumn,
): AsyncGenerator<Row> {
  const key = sql`${sql.ref(place.identity[0])}::text collate "C"`
  const identity = sql.join(place.identity.map((name) => sql`${sql.ref(name)}::text`))
  let after = ''
  for (;;) {
    const { rows } = await sql<Row>`
      select ${key} as key, array[${identity}] as identity, ${sql.ref(place.column)} as sealed
        from ${sql.table(place.table)}
       where ${key} > ${after} and ${sql.ref(place.column)} is not null
         and substring(${sql.ref(place.column)} from 1 for ${sql.lit(prefixLength)}) <> ${vault.prefix}
       order by 1 limit ${sql.lit(batch)}`.execute(db)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < batch) return
    after = last.key
  }
}

function recordOf(place: SealedColumn, { identity }: Row) {
  return {
    purpose: place.purpose,
    id: identity.join('\n'),
    label: `${place.label} ${identity.join(' ')}`,
  }
}
