import type { RetentionPart, RetentionResponse, RetentionTime } from '@slipway/contract/retention'
import { type Kysely, sql } from 'kysely'
import { auditKeptMs, requireUnlimited } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { countWithin, mostCounted } from './count-within.ts'
import type { RetentionDeps } from './deps.ts'
import { readChanged } from './kept-times.ts'
import { type Kind, kinds, passEveryMs, writeDuration } from './kinds.ts'
import { type Part, type PartName, parts } from './parts.ts'

const descriptions: Readonly<Record<RetentionTime['kind'], string>> = {
  runs: 'Finished runs, builds and delegated jobs, and at most their logs.',
  logs: 'Logs of runs with no release deployed anywhere, and of delegated jobs.',
  jobs: 'Finished jobs in the history of the ledger, in whole days.',
  events: 'Events that can be read again.',
  audit: 'Who did what.',
}

const reasons = {
  file: 'slipway.yaml sets it',
  bucket: 'the rules by which the bucket deletes follow slipway.yaml: set it there',
} as const

/** Why the API does not change it; null: it does. */
export function whyFixed({ configured }: RetentionDeps, kind: Kind): string | null {
  const fixed = configured.fixed[kind]
  return fixed === undefined ? null : reasons[fixed]
}

/** What is kept for how long and why, how much there is of it, and what the last pass came to. */
export async function listRetention(
  deps: RetentionDeps,
  { principal }: { principal: Principal },
): Promise<RetentionResponse> {
  requireUnlimited(principal, 'Times that things are kept')
  const { db, configured } = deps
  const changed = await readChanged(db, configured)
  const passes = await readPasses(db)
  const held = new Map<PartName, RetentionPart>()
  // One after the other: whoever looks takes one connection at a time.
  for (const name of Object.keys(parts) as PartName[]) {
    held.set(name, await measure(db, parts[name], passes.get(name)))
  }
  const partsOf = (kind: RetentionTime['kind']) =>
    [...held].flatMap(([name, part]) => (parts[name].kind === kind ? [part] : []))
  const times = kinds.map((kind): RetentionTime => {
    const change = changed.get(kind)
    const configuredMs = configured.keptMs[kind]
    return {
      kind,
      description: descriptions[kind],
      ...keptFor(change?.keptMs ?? configuredMs),
      source:
        change !== undefined ? 'changed' : configured.fixed[kind] === 'file' ? 'file' : 'default',
      fixed_because: whyFixed(deps, kind),
      unchanged: writeDuration(configuredMs),
      changed_by: change?.changedBy ?? null,
      changed_at: change?.changedAt.toISOString() ?? null,
      parts: partsOf(kind),
    }
  })
  const audit: RetentionTime = {
    kind: 'audit',
    description: descriptions.audit,
    ...keptFor(auditKeptMs),
    source: 'built-in',
    fixed_because: 'it is kept for a year everywhere',
    unchanged: writeDuration(auditKeptMs),
    changed_by: null,
    changed_at: null,
    parts: partsOf('audit'),
  }
  const environments = deps.environments.map(({ name, logRetentionDays }) => ({
    name,
    logs_days: logRetentionDays,
  }))
  return { retention: [...times, audit], environments }
}

const keptFor = (ms: number) => ({ kept: writeDuration(ms), kept_seconds: Math.round(ms / 1000) })

async function measure(
  db: Kysely<Tables>,
  part: Part,
  pass: Pass | undefined,
): Promise<RetentionPart> {
  const counted = await countWithin(db, part.rows)
  const estimated = counted === null || counted > mostCounted
  const rows = estimated ? await estimate(db, part.estimated) : counted
  return {
    what: part.what,
    rows: rows === null ? counted : Math.max(rows, counted ?? 0),
    estimated,
    bytes: part.tables.length === 0 ? null : await bytesOf(db, part.tables),
    last_pass:
      pass === undefined
        ? null
        : { ended_at: pass.at.toISOString(), removed: Number(pass.removed) },
    next_pass_at:
      pass === undefined ? null : new Date(pass.at.getTime() + passEveryMs).toISOString(),
  }
}

/** What the planner believes; null: nothing yet. */
async function estimate(db: Kysely<Tables>, relation: string): Promise<number | null> {
  const { rows } = await sql<{ rows: string | null }>`
    select sum(reltuples) filter (where reltuples >= 0)::bigint::text as rows
      from pg_class where oid in (${relationAndPartitions([relation])})`.execute(db)
  const [row] = rows
  return row?.rows == null ? null : Number(row.rows)
}

async function bytesOf(db: Kysely<Tables>, tables: readonly string[]): Promise<number> {
  const { rows } = await sql<{ bytes: string }>`
    select coalesce(sum(pg_total_relation_size(oid)), 0)::text as bytes
      from (${relationAndPartitions(tables)}) as relation (oid)`.execute(db)
  return Number(rows[0]?.bytes ?? 0)
}

function relationAndPartitions(names: readonly string[]) {
  return sql`
    select named.oid from unnest(${[...names]}::text[]) as wanted (name)
      cross join lateral (select to_regclass(wanted.name)::oid as oid) as named
     union all
    select inhrelid from pg_inherits
     where inhparent in (select to_regclass(name)::oid from unnest(${[...names]}::text[]) as wanted (name))`
}

interface Pass {
  at: Date
  removed: string
}

async function readPasses(db: Kysely<Tables>): Promise<Map<string, Pass>> {
  const { rows } = await sql<Pass & { part: string }>`
    select part, ended_at as at, removed::text from retention_passes`.execute(db)
  return new Map(rows.map(({ part, ...pass }) => [part, pass]))
}
