import type { StatsFs } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client'

/** They are no numbers, or absurd ones, when nothing was sampled since the last scrape. */
const ofNoSamples = ['mean', 'stddev', 'min'].map((of) => `nodejs_eventloop_lag_${of}_seconds`)

/** What every process of this program counts of itself; `dataDir` absent: it keeps nothing on disk. */
export function measureProcess(
  registry: Registry,
  { version, dataDir }: { version: string; dataDir?: string | undefined },
): void {
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  for (const name of ofNoSamples) registry.removeSingleMetric(name)
  new Gauge({
    name: 'slipway_build_info',
    help: 'Always 1; the version is in the label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  if (dataDir !== undefined) measureDisk(registry, dataDir)
}

function measureDisk(registry: Registry, dataDir: string): void {
  const gauge = (name: string, help: string, bytes: (disk: StatsFs) => number) =>
    new Gauge({
      name: `slipway_data_directory_${name}_bytes`,
      help,
      // Without labels a gauge begins with 0, which would say that the disk is full.
      labelNames: ['directory'],
      registers: [registry],
      async collect() {
        this.reset()
        const disk = await statfs(dataDir).catch(() => null)
        if (disk !== null) this.set({ directory: 'data' }, bytes(disk))
      },
    })
  gauge(
    'size',
    'Size of the file system that the data directory is on.',
    ({ bsize, blocks }) => bsize * blocks,
  )
  gauge('free', 'What is free of it for this program.', ({ bsize, bavail }) => bsize * bavail)
}

/** What a pool of connections tells of itself, as `pg` has it. */
export interface WatchedPool {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  on(event: 'error', listener: () => void): unknown
}

/** Connections to the database. */
export function measurePool(registry: Registry): (pool: WatchedPool) => void {
  const registers = [registry]
  let watched: WatchedPool | null = null
  new Gauge({
    name: 'slipway_database_connections',
    help: 'Connections to the database that are `in_use` or `idle`, and requests `waiting` for one.',
    labelNames: ['state'],
    registers,
    collect() {
      if (watched === null) return
      const { totalCount, idleCount, waitingCount } = watched
      this.set({ state: 'in_use' }, totalCount - idleCount)
      this.set({ state: 'idle' }, idleCount)
      this.set({ state: 'waiting' }, waitingCount)
    },
  })
  const lost = new Counter({
    name: 'slipway_database_connections_lost_total',
    help: 'Connections to the database that broke.',
    registers,
  })
  return (pool) => {
    watched = pool
    pool.on('error', () => lost.inc())
  }
}
