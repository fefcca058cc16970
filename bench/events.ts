import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { type Database, openDatabase } from '../packages/server/src/db/open-database.ts'
import { transact } from '../packages/server/src/db/unit-of-work.ts'
import { createEventFeed, startEventRelay } from '../packages/server/src/events/index.ts'
import { eventRoutes } from '../packages/server/src/http/platform/routes/events.ts'
import { decoratePrincipal, setPrincipal } from '../packages/server/src/http/principal.ts'
import type { ReadersAnswer, ReadersRequest } from './event-readers.ts'

/** Milliseconds. */
export interface Percentiles {
  p50: number
  p99: number
}

export interface EventsBench {
  /**
   * From the commit of an event until its reader, in another process, has it, at 100 events a second.
   * Floor: one more durable commit, and a bare write to a bare response.
   */
  latency: Percentiles & { floor: Percentiles; samples: number }
  /**
   * From the commit of one event until the last of 1,000 readers has it.
   * Floor: the same commit and writes without feed, filters and backpressure.
   */
  fanOut: Percentiles & { floor: Percentiles; samples: number; readers: number }
}

const SAMPLES = 400
const EVERY_MS = 10
const ROUNDS = 40
const READERS = 1_000

/** Measures the event stream on a migrated database, over loopback sockets. Takes about 15 seconds. */
export async function benchEvents(url: string): Promise<EventsBench> {
  const log = { info() {}, warn() {}, error() {} }
  const database = await openDatabase({ url, log })
  const feed = createEventFeed({ db: database.db, log })
  const relay = startEventRelay({ pool: database.pool, publish: feed.publish, log })
  const stopping = new AbortController()
  const bare = new Set<ServerResponse>()
  const app = Fastify({ forceCloseConnections: true })
  decoratePrincipal(app)
  app.addHook('onRequest', async (request) => {
    setPrincipal(request, { id: 'bench', name: 'bench', roles: ['viewer'], repositories: null })
  })
  await app.register(eventRoutes({ feed, signal: stopping.signal }), { prefix: '/v1' })
  app.get('/bare', async (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write('retry: 1000\n\n')
    reply.raw.on('close', () => bare.delete(reply.raw))
    bare.add(reply.raw)
  })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const first = (await feed.lastSeq()) + 1
  const emit = emitter(database, relay.wake)
  const write = bareWriter(database, bare)
  try {
    const latency = await measure(`${origin}/v1/events`, 1, SAMPLES, first, emit)
    const latencyFloor = await measure(`${origin}/bare`, 1, SAMPLES, 1, write)
    const fanOut = await measure(`${origin}/v1/events`, READERS, ROUNDS, first + SAMPLES, emit)
    const fanOutFloor = await measure(`${origin}/bare`, READERS, ROUNDS, SAMPLES + 1, write)
    return {
      latency: { ...latency, floor: latencyFloor, samples: SAMPLES },
      fanOut: { ...fanOut, floor: fanOutFloor, samples: ROUNDS, readers: READERS },
    }
  } finally {
    stopping.abort()
    await app.close()
    await relay.close()
    await feed.close()
    await database.close()
  }
}

/** Makes the event of this id happen; returns the moment of its commit in nanoseconds. */
type Happen = (id: number) => Promise<number>

function emitter(database: Database, wake: () => void): Happen {
  return async () => {
    let committed = 0
    const wakeEvents = () => {
      committed = Number(process.hrtime.bigint())
      wake()
    }
    const runId = randomUUID()
    const data = { run_id: runId, repository: 'acme/shop', commit_sha: 'abc123def456' }
    await transact({ db: database.db, wakeEvents, wakeJobs: () => {} }, async (unit) => {
      unit.emit({ type: 'pipeline.run.started', data, repository: 'acme/shop', runId })
    })
    return committed
  }
}

function bareWriter(database: Database, bare: ReadonlySet<ServerResponse>): Happen {
  const text = JSON.stringify({ run_id: randomUUID(), repository: 'acme/shop', commit_sha: 'abc' })
  return async (id) => {
    const committed = Number(process.hrtime.bigint())
    await database.pool.query('update event_sequence set last = last')
    const frame = Buffer.from(`id: ${id}\nevent: pipeline.run.started\ndata: ${text}\n\n`)
    for (const response of bare) response.write(frame)
    return committed
  }
}

async function measure(
  url: string,
  readers: number,
  rounds: number,
  firstId: number,
  happen: Happen,
): Promise<Percentiles> {
  const child = fork(new URL('./event-readers.ts', import.meta.url))
  const ask = async (request: ReadersRequest): Promise<ReadersAnswer> => {
    child.send(request)
    const [answer] = (await once(child, 'message', { signal: AbortSignal.timeout(30_000) })) as [
      ReadersAnswer,
    ]
    return answer
  }
  try {
    await ask({ type: 'open', url, count: readers })
    const waits: number[] = []
    // One reader is measured under a steady rate, many one event at a time.
    const batch = readers === 1 ? rounds : 1
    for (let done = 0; done < rounds; done += batch) {
      const ids = Array.from({ length: batch }, (_, index) => firstId + done + index)
      const committed: number[] = []
      for (const id of ids) {
        committed.push(await happen(id))
        await sleep(EVERY_MS)
      }
      const answer = await ask({ type: 'collect', ids })
      if (answer.type !== 'collected') throw new Error(`Unexpected answer ${answer.type}`)
      answer.arrivals.forEach((moments, index) => {
        waits.push((Math.max(...moments) - (committed[index] ?? 0)) / 1e6)
      })
    }
    return percentiles(waits)
  } finally {
    child.send({ type: 'close' } satisfies ReadersRequest)
    await once(child, 'exit')
  }
}

function percentiles(values: number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return { p50: at(0.5) ?? Number.NaN, p99: at(0.99) ?? Number.NaN }
}
