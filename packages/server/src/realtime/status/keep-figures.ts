import type { RepositoryMetrics } from '@slipway/contract/pipelines'
import type { Log } from '../../db/log.ts'
import {
  countByStatus,
  listWatched,
  measureRuns,
  type MonitorDeps,
  type Watched,
} from '../../monitor/index.ts'
import type { Principal } from '../../ports/identity.ts'
import type { Client, StatusClients } from './clients.ts'
import { frameOf } from './to-frames.ts'
import type { View } from './views.ts'

export interface FiguresOptions {
  /** Milliseconds from one time that clients are told figures to the next, at least. Default 5,000. */
  everyMs?: number
}

/** What is computed for everybody, so by somebody who sees everything. */
const everybody: Principal = { id: 'sockets', name: 'sockets', roles: [], repositories: null }

/** What metrics are of, as where nobody asks for another range. */
const rangeMs = 30 * 86_400_000
/** Milliseconds in which more may happen that the same figures show. */
const settleMs = 100
/** Milliseconds to the next look where there was nothing to tell. */
const restMs = 1_000

/**
 * Tells subscribers when the metrics of a repository, or the summary of all that they see, are other ones.
 * Looks only while somebody listens: soon after something has happened in a repository, and every so
 * often for what nobody told of. What was never told before is told only of a repository in which
 * something has happened; else it is what later figures are compared with.
 */
export function keepFigures(
  deps: { log: Log; monitor: MonitorDeps; clients: StatusClients },
  { everyMs = 5_000 }: FiguresOptions = {},
): { note(repository: string): void; wake(): void; close(): Promise<void> } {
  const { log, monitor, clients } = deps
  const closing = new AbortController()
  /** Where something happened since the last look. */
  let touched = new Set<string>()
  /** By repository, the metrics that were told last. */
  const told = new Map<string, string>()
  /** Not before this moment again. */
  let earliest = Number.NEGATIVE_INFINITY
  let timer: { at: number; cancel: () => void } | null = null
  let looking: Promise<void> | null = null

  const isHeard = () => {
    for (const _view of clients.views()) return true
    return false
  }

  function lookAt(moment: number): void {
    if (closing.signal.aborted || looking !== null) return
    const at = Math.max(moment, earliest)
    if (timer !== null && timer.at <= at) return
    timer?.cancel()
    const handle = setTimeout(() => {
      timer = null
      looking = look().finally(() => {
        looking = null
        if (touched.size > 0) lookAt(performance.now() + settleMs)
        else if (isHeard()) lookAt(performance.now() + everyMs)
      })
    }, at - performance.now())
    handle.unref()
    timer = { at, cancel: () => clearTimeout(handle) }
  }

  async function look(): Promise<void> {
    earliest = performance.now() + Math.min(restMs, everyMs)
    const changed = touched
    touched = new Set()
    if (!isHeard()) return told.clear()
    try {
      const watched = await listWatched(monitor, { principal: everybody })
      await tellMetrics(watched, changed)
      await tellSummaries(watched, changed)
    } catch (error) {
      if (closing.signal.aborted) return
      log.warn({ err: error }, 'Figures of pipelines could not be computed')
      for (const repository of changed) touched.add(repository)
    }
  }

  async function tellMetrics(
    watched: readonly Watched[],
    changed: ReadonlySet<string>,
  ): Promise<void> {
    const now = Date.now()
    const metricsOf = await measureRuns(monitor, { watched, rangeMs, branch: undefined, now })
    const timestamp = new Date(now).toISOString()
    for (const { id, fullName: repository } of watched) {
      const figures = metricsOf(id)
      const data = toData(repository, figures)
      const text = JSON.stringify(data)
      const before = told.get(repository)
      if (before === text) continue
      told.set(repository, text)
      if (before === undefined && !changed.has(repository)) continue
      const frame = frameOf('pipeline:metrics', data, timestamp)
      for (const view of clients.views()) {
        if (view.sees(repository)) tell(view, frame)
      }
    }
    const names = new Set(watched.map(({ fullName }) => fullName))
    for (const repository of told.keys()) {
      if (!names.has(repository)) told.delete(repository)
    }
  }

  async function tellSummaries(
    watched: readonly Watched[],
    changed: ReadonlySet<string>,
  ): Promise<void> {
    // Counted once for all: what is asked of a part of them then is known.
    await countByStatus(monitor, { watched })
    for (const view of clients.views()) {
      const seen = watched.filter(({ fullName }) => view.sees(fullName))
      const counts = await countByStatus(monitor, { watched: seen })
      const { running, pending, failure: failed, success: successful } = counts
      const totalPipelines = running + pending + failed + successful
      const repositories = seen.length
      const data = { totalPipelines, running, pending, failed, successful, repositories }
      const isTouched = seen.some(({ fullName }) => changed.has(fullName))
      tellSummary(view, data, isTouched)
    }
  }

  function tellSummary(
    view: View<Client>,
    data: Parameters<typeof frameOf<'pipeline:status-summary'>>[1],
    isTouched: boolean,
  ): void {
    const text = JSON.stringify(data)
    const before = view.summary
    view.summary = text
    if (before === text || (before === null && !isTouched)) return
    const timestamp = new Date().toISOString()
    tell(view, frameOf('pipeline:status-summary', data, timestamp))
  }

  function tell(view: View<Client>, frame: Buffer): void {
    earliest = performance.now() + everyMs
    clients.send(view.clients, frame)
  }

  return {
    note(repository) {
      if (!isHeard()) return
      touched.add(repository)
      lookAt(performance.now() + settleMs)
    },
    wake: () => lookAt(performance.now()),
    async close() {
      closing.abort()
      timer?.cancel()
      await looking
    },
  }
}

function toData(repository: string, figures: RepositoryMetrics) {
  const { successRate, averageDuration, total: totalRuns } = figures
  return { repository, successRate, averageDuration, totalRuns }
}
