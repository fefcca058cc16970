import { type Kysely, sql } from 'kysely'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { StoreGauge, StoreRow, StoreStatement } from './store-statement.ts'
import { storeStatements } from './store-statements.ts'
import { createStoredHistogram, type StoredBuckets } from './stored-histogram.ts'

export interface StoreOptions {
  /** Milliseconds for which an answer of the database is good. Default 5,000. */
  cacheMs?: number
  /** Milliseconds that one statement may take in the database. Default 1,000. */
  statementMs?: number
  /** Milliseconds that a scrape waits for all of them. Default 5,000. */
  deadlineMs?: number
}

/**
 * Gauges of what the database knows, which is the same on every server. They are asked one after the other,
 * so that scrapes hold one connection at most, and what could not be asked is left out, not shown as it was.
 */
export function measureStore(
  deps: { db: Kysely<Tables>; log: Log },
  registry: Registry,
  options: StoreOptions,
): { refresh(): Promise<void> } {
  const { cacheMs = 5_000, statementMs = 1_000, deadlineMs = 5_000 } = options
  const registers = [registry]
  const up = new Gauge({
    name: 'slipway_store_statement_up',
    help: 'Whether the database has said in time what figures of this kind show; else they are left out.',
    labelNames: ['statement'],
    registers,
  })
  const figures = storeStatements.map((statement) => createFigures(statement, registry))
  let measuredAt = Number.NEGATIVE_INFINITY
  let measuring: { ended: Promise<void>; waiting: Set<Figures> } | null = null

  function show(shown: Figures, rows: readonly (StoreRow & { gauge: string })[] | null): void {
    for (const [key, figure] of shown.figures) {
      if (rows === null) figure.clear()
      else figure.set(rows.filter(({ gauge }) => gauge === key))
    }
    up.set({ statement: shown.statement.name }, rows === null ? 0 : 1)
  }

  async function measure(waiting: Set<Figures>): Promise<void> {
    for (const each of figures) {
      const rows = await ask(each.statement)
      waiting.delete(each)
      show(each, rows)
    }
    measuredAt = performance.now()
  }

  /** Null: there was no answer. */
  async function ask({ name, statement }: StoreStatement) {
    try {
      return await deps.db.transaction().execute(async (trx) => {
        await sql`set local statement_timeout = ${sql.lit(statementMs)}`.execute(trx)
        const { rows } = await statement.execute(trx)
        return rows
      })
    } catch (error) {
      deps.log.warn({ err: error, statement: name }, 'Figures could not be asked of the database')
      return null
    }
  }

  function start() {
    const waiting = new Set(figures)
    const ended = measure(waiting).finally(() => void (measuring = null))
    return { ended, waiting }
  }

  return {
    async refresh() {
      if (measuring === null && performance.now() - measuredAt < cacheMs) return
      const { ended, waiting } = (measuring ??= start())
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          for (const each of waiting) show(each, null)
          resolve()
        }, deadlineMs)
      })
      try {
        await Promise.race([ended, late])
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** A statement with its figures. */
interface Figures {
  statement: StoreStatement
  figures: ReadonlyMap<string, Figure>
}

interface Figure {
  /** Shows these, and nothing that was shown before. */
  set(rows: readonly StoreRow[]): void
  /** Nothing is known. */
  clear(): void
}

function createFigures(statement: StoreStatement, registry: Registry): Figures {
  const figures = new Map<string, Figure>()
  for (const [key, described] of Object.entries(statement.gauges)) {
    const figure = createFigure(described, registry)
    figure.clear()
    figures.set(key, figure)
  }
  return { statement, figures }
}

function createFigure(described: StoreGauge, registry: Registry): Figure {
  const { name, help, labelNames, buckets, isCounter } = described
  if (buckets !== undefined) return createHistogram({ ...described, buckets }, registry)
  const options = { name, help, labelNames: [...labelNames], registers: [registry] }
  const shown = isCounter === true ? new Counter(options) : new Gauge(options)
  const clear = () => {
    // One without labels would be reset to 0, which is a value.
    if (labelNames.length === 0) shown.remove()
    else shown.reset()
  }
  return {
    clear,
    set(rows) {
      clear()
      for (const { labels, value } of rows) shown.inc(labels, value)
    },
  }
}

function createHistogram(
  described: StoreGauge & { buckets: readonly number[] },
  registry: Registry,
): Figure {
  const shown = createStoredHistogram(described, registry)
  return {
    clear: () => shown.set([]),
    set(rows) {
      // One without labels is there from the start.
      const empty = { labels: {}, counts: new Map<number, number>(), sum: 0 }
      const all = new Map<string, StoredBuckets & { counts: Map<number, number> }>()
      if (described.labelNames.length === 0) all.set('{}', empty)
      for (const { labels, value, bucket = Number.POSITIVE_INFINITY, sum = 0 } of rows) {
        const key = JSON.stringify(labels)
        const one = all.get(key) ?? { labels, counts: new Map<number, number>(), sum: 0 }
        one.counts.set(bucket, (one.counts.get(bucket) ?? 0) + value)
        all.set(key, { ...one, sum: one.sum + sum })
      }
      shown.set([...all.values()])
    },
  }
}
