import { Gauge, type Registry } from 'prom-client'

/** What a job bus with a server of its own says of itself. */
export interface JobBusStatus {
  connected: boolean
  /** By job type: messages that no worker has taken. */
  pending: ReadonlyMap<string, number>
  /** Messages that were given up, and wait for somebody to look at them. */
  deadLetters: number
}

export interface WatchedJobBus {
  readonly name: string
  /** Absent: the bus is the database's. A rejection, or no answer in time: it is not connected. */
  status?: () => Promise<JobBusStatus>
}

/** Milliseconds that a scrape waits for the bus. */
const statusMs = 1_000

export function measureJobBus(registry: Registry): (bus: WatchedJobBus) => void {
  const registers = [registry]
  let watched: WatchedJobBus | null = null
  const connected = new Gauge({
    name: 'slipway_job_bus_connected',
    help: 'Whether this process is connected to the job bus; always 1 where that is the database.',
    labelNames: ['bus'],
    registers,
    async collect() {
      if (watched === null) return
      const bus = watched.name
      const status = await ask(watched)
      connected.set({ bus }, status === 'none' || (status !== null && status.connected) ? 1 : 0)
      pending.reset()
      dead.reset()
      if (status === null || status === 'none') return
      for (const [type, count] of status.pending) pending.set({ type }, count)
      dead.set({ bus }, status.deadLetters)
    },
  })
  const pending = new Gauge({
    name: 'slipway_job_bus_pending',
    help: 'Messages of the job bus that no worker has taken: the lag of its consumers.',
    labelNames: ['type'],
    registers,
  })
  const dead = new Gauge({
    name: 'slipway_job_bus_dead_letters',
    help: 'Messages of the job bus that were given up.',
    labelNames: ['bus'],
    registers,
  })
  return (bus) => void (watched = bus)
}

async function ask({ status }: WatchedJobBus): Promise<JobBusStatus | null | 'none'> {
  if (status === undefined) return 'none'
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), statusMs)))
  try {
    return await Promise.race([status(), late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
