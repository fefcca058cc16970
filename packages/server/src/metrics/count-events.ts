import type { SlipwayEvent } from '@slipway/contract/events'
import { type Kysely, sql } from 'kysely'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { StoredEvent } from '../events/index.ts'

const buckets = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200]

/** Names of phases that are labels of their own: configurations can make more. */
const mostPhases = 100
/** Phases whose durations are looked up at once; of more, nothing is measured. */
const mostWaiting = 5_000

/** Counts what has happened, by the events that were numbered here. */
export function countEvents(
  deps: { db: Kysely<Tables>; log: Log },
  registry: Registry,
): {
  observe(events: readonly StoredEvent[]): void
  /** Resolves when the durations of all phases that have ended are in. */
  settled(): Promise<void>
} {
  const registers = [registry]
  const all = new Counter({
    name: 'slipway_events_total',
    help: 'Events that were told, by type.',
    labelNames: ['type'],
    registers,
  })
  const created = new Counter({
    name: 'slipway_runs_created_total',
    help: 'Runs that were created.',
    registers,
  })
  const finished = new Counter({
    name: 'slipway_runs_finished_total',
    help: 'Runs that have ended, by how.',
    labelNames: ['status'],
    registers,
  })
  const durations = new Histogram({
    name: 'slipway_run_duration_seconds',
    help: 'From the creation of a run to its end; not of those that were cancelled.',
    labelNames: ['status'],
    buckets,
    registers,
  })
  const phases = new Histogram({
    name: 'slipway_phase_duration_seconds',
    help: 'From the start of a phase to its end; `other` are those with rare names.',
    labelNames: ['phase', 'status'],
    buckets,
    registers,
  })
  const releases = new Counter({
    name: 'slipway_releases_total',
    help: 'Releases that were made.',
    labelNames: ['trigger'],
    registers,
  })
  const deployments = new Counter({
    name: 'slipway_deployments_total',
    help: 'Deployments that reached a state.',
    labelNames: ['environment', 'status'],
    registers,
  })
  const workflowRuns = new Counter({
    name: 'slipway_workflow_runs_total',
    help: 'Runs of GitHub Actions that were heard of, by what of them.',
    labelNames: ['status'],
    registers,
  })
  const builds = new Counter({
    name: 'slipway_builds_finished_total',
    help: 'Builds that have ended, by how: completed, or why they failed.',
    labelNames: ['status'],
    registers,
  })
  const buildDurations = new Histogram({
    name: 'slipway_build_duration_seconds',
    help: 'From the start of the first attempt at a build to its completion.',
    buckets,
    registers,
  })
  const phaseNames = new Set<string>()
  let ended: string[] = []
  let measuring: Promise<void> | null = null

  function count(event: SlipwayEvent): void {
    switch (event.event_type) {
      case 'pipeline.run.created':
        return created.inc()
      case 'pipeline.run.completed': {
        const { status, duration_seconds: seconds } = event.data
        finished.inc({ status })
        return durations.observe({ status }, seconds)
      }
      case 'pipeline.run.cancelled':
        return finished.inc({ status: 'cancelled' })
      case 'pipeline.phase.updated': {
        const { phase_id: id, status } = event.data
        if (status !== 'success' && status !== 'failed') return
        if (ended.length < mostWaiting) ended.push(id)
        return
      }
      case 'release.created':
        return releases.inc({ trigger: event.data.trigger_type })
      case 'deployment.created':
      case 'deployment.completed':
      case 'deployment.failed':
      case 'deployment.superseded': {
        const status = event.event_type.slice('deployment.'.length)
        return deployments.inc({ environment: event.data.environment, status })
      }
      case 'workflow.run.started':
      case 'workflow.run.completed':
      case 'workflow.run.failed':
        return workflowRuns.inc({ status: event.event_type.slice('workflow.run.'.length) })
      case 'build.completed':
        builds.inc({ status: 'completed' })
        return buildDurations.observe(event.data.duration_seconds)
      case 'build.failed':
        return builds.inc({ status: event.data.failure_reason })
      default:
    }
  }

  async function measure(): Promise<void> {
    while (ended.length > 0) {
      const ids = ended
      ended = []
      try {
        const { rows } = await sql<{ name: string; status: string; seconds: number }>`
          select name, status, extract(epoch from completed_at - started_at)::float8 as seconds
          from phases
          where id = any(${ids}::uuid[]) and started_at is not null and completed_at is not null
        `.execute(deps.db)
        for (const { name, status, seconds } of rows) {
          phases.observe({ phase: labelOf(name), status }, Math.max(0, seconds))
        }
      } catch (error) {
        deps.log.warn({ err: error, phases: ids.length }, 'Phases could not be measured')
      }
    }
  }

  function labelOf(name: string): string {
    if (phaseNames.has(name)) return name
    if (phaseNames.size >= mostPhases) return 'other'
    phaseNames.add(name)
    return name
  }

  return {
    observe(events) {
      for (const { type, json } of events) {
        all.inc({ type })
        if (!isCounted(type)) continue
        count(JSON.parse(json) as SlipwayEvent)
      }
      if (ended.length > 0) {
        measuring ??= measure().finally(() => void (measuring = null))
      }
    },
    async settled() {
      await measuring
    },
  }
}

const counted: ReadonlySet<string> = new Set<SlipwayEvent['event_type']>([
  'pipeline.run.created',
  'pipeline.run.completed',
  'pipeline.run.cancelled',
  'pipeline.phase.updated',
  'release.created',
  'deployment.created',
  'deployment.completed',
  'deployment.failed',
  'deployment.superseded',
  'workflow.run.started',
  'workflow.run.completed',
  'workflow.run.failed',
  'build.completed',
  'build.failed',
])

function isCounted(type: string): boolean {
  return counted.has(type)
}
