import type { NatsOptions } from '../packages/server/src/adapters/job-bus/nats/nats-options.ts'

/** What a worker process is told; it answers each but the last when it is done. */
export type WorkerOrder = 'begin' | 'drain' | 'end'

export type WorkerReport =
  | { kind: 'ready' }
  | { kind: 'done'; order: WorkerOrder }
  /** Ids of jobs, and when each was begun, in nanoseconds of the machine's monotonic clock. */
  | { kind: 'begun'; jobs: [id: string, at: string][] }

export function plainConnection(server: string): NatsOptions {
  return { servers: [server], credentials: { kind: 'none' }, tls: null, prefix: '' }
}
