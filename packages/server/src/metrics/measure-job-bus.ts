import { Counter, Gauge, type Registry } from 'prom-client'
import type { JobBus, JobBusStatus } from '../ports/job-bus.ts'

export type WatchedJobBus = Pick<JobBus, 'name' | 'status'>

/** Milliseconds that a scrape waits for the bus. */
const statusMs = 1_000

export function measureJobBus(registry: Registry): (bus: WatchedJobBus) => void {
  let watched: WatchedJobBus | null = null
  let asking: Promise<void> | null = null
  // A scrape collects all figures at once; each of them waits for the one answer.
  const common = {
    registers: [registry],
    collect: () => (asking ??= show().finally(() => void (asking = null))),
  }
  const connected = new Gauge({
    name: 'slipway_job_bus_connected',
    help: 'Whether this process is connected to the job bus; always 1 where that is the database.',
    labelNames: ['bus'],
    ...common,
  })
  const pending = new Gauge({
    name: 'slipway_job_bus_pending',
    help: 'Messages of the job bus that no worker has taken: the lag of its consumers.',
    labelNames: ['type'],
    ...common,
  })
  const unacknowledged = new Gauge({
    name: 'slipway_job_bus_unacknowledged',
    help: 'Messages of the job bus that workers have in hand.',
    labelNames: ['type'],
    ...common,
  })
  const redelivered = new Counter({
    name: 'slipway_job_bus_redelivered_total',
    help: 'Deliveries of messages of the job bus beyond the first of each.',
    labelNames: ['type'],
    ...common,
  })
  const dead = new Gauge({
    name: 'slipway_job_bus_dead_letters',
    help: 'Messages of the job bus that were given up.',
    labelNames: ['bus'],
    ...common,
  })

  async function show() {
    if (watched === null) return
    const bus = watched.name
    const status = await ask(watched)
    for (const figure of [pending, unacknowledged, redelivered, dead]) figure.reset()
    connected.set({ bus }, status === 'none' || (status !== null && status.connected) ? 1 : 0)
    if (status === null || status === 'none') return
    for (const [type, count] of status.pending) pending.set({ type }, count)
    for (const [type, count] of status.unacknowledged) unacknowledged.set({ type }, count)
    for (const [type, count] of status.redelivered) redelivered.inc({ type }, count)
    dead.set({ bus }, status.deadLetters)
  }
  return (bus) => void (watched = bus)
}

async function ask(bus: WatchedJobBus): Promise<JobBusStatus | null | 'none'> {
  const answer = bus.status?.()
  if (answer === undefined) return 'none'
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), statusMs)))
  try {
    return await Promise.race([answer, late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
