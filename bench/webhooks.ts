import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, openDatabase } from '../packages/server/src/db/open-database.ts'
import { transact } from '../packages/server/src/db/unit-of-work.ts'
import { createEventFeed, startEventRelay } from '../packages/server/src/events/index.ts'
import { openVault } from '../packages/server/src/secrets/index.ts'
import {
  createTargetGuard,
  createWebhook,
  startWebhooks,
} from '../packages/server/src/webhooks/index.ts'
import { percentiles, round } from './statistics.ts'
import type { ReceiverAnswer, ReceiverRequest } from './webhook-receiver.ts'

const samples = 300
const everyMs = 20
const burst = 1_000
const principal = { id: 'bench', name: 'bench', roles: ['admin'], repositories: null } as const

/**
 * From the commit of an event until its webhook's request has come, in another process, at 50 events a
 * second; then how many deliveries a second one webhook is given. Floors of the same run: a bare POST of
 * the same body over a kept connection, and such POSTs one after the other on eight connections.
 */
export async function benchWebhooks(url: string): Promise<object> {
  const log = { info() {}, warn() {}, error() {} }
  const receiver = fork(new URL('./webhook-receiver.ts', import.meta.url))
  const [{ port }] = (await once(receiver, 'message')) as [{ port: number }]
  const target = `http://127.0.0.1:${port}/`
  const database = await openDatabase({ url, log })
  const { db } = database
  const feed = createEventFeed({ db, log })
  const relay = startEventRelay({ pool: database.pool, publish: feed.publish, log })
  const deps = {
    db,
    log,
    feed,
    version: 'bench',
    holder: randomUUID(),
    wakeEvents: () => relay.wake(),
    wakeJobs: () => {},
    vault: openVault([randomBytes(32)]),
    target: createTargetGuard({ allowed: ['127.0.0.1'] }),
  }
  const running = startWebhooks(deps)
  try {
    await createWebhook(deps, { principal, request: { url: target } })
    // The reader of the outbox begins with what happens from its first turn on.
    while ((await db.selectFrom('event_consumers').selectAll().execute()).length === 0) {
      await sleep(10)
    }
    await measure(receiver, 20, (id) => emit(database, relay.wake, [id]))
    const latency = await measure(receiver, samples, (id) => emit(database, relay.wake, [id]))
    const agent = new Agent({ keepAlive: true })
    const floor = await measure(receiver, samples, async (id) => {
      const begun = Number(process.hrtime.bigint())
      await post(agent, target, bodyOf(id))
      return begun
    })
    const perSecond = await throughput(receiver, (ids) => emit(database, relay.wake, ids))
    const floorPerSecond = await throughput(receiver, async (ids) => {
      await Promise.all(
        Array.from({ length: 8 }, async (_, lane) => {
          for (let at = lane; at < ids.length; at += 8) await post(agent, target, bodyOf(ids[at]!))
        }),
      )
    })
    agent.destroy()
    return {
      commitToRequestMs: { ...latency, floor },
      deliveriesPerSecond: { value: perSecond, floor: floorPerSecond },
    }
  } finally {
    await running.close()
    await relay.close()
    await feed.close()
    await database.close()
    receiver.disconnect()
    await once(receiver, 'exit')
  }
}

function eventData(id: string) {
  return { run_id: id, repository: 'acme/shop', commit_sha: 'abc123def456' }
}

function bodyOf(id: string): string {
  const timestamp = new Date().toISOString()
  return JSON.stringify({ event_type: 'pipeline.run.started', timestamp, data: eventData(id) })
}

/** Returns the moment of the commit in nanoseconds. */
async function emit(database: Database, wake: () => void, ids: string[]): Promise<number> {
  let committed = 0
  const wakeEvents = () => {
    committed = Number(process.hrtime.bigint())
    wake()
  }
  await transact({ db: database.db, wakeEvents, wakeJobs: () => {} }, async (unit) => {
    for (const id of ids) {
      const event = { data: eventData(id), repository: 'acme/shop', runId: id }
      unit.emit({ type: 'pipeline.run.started', ...event })
    }
  })
  return committed
}

function post(agent: Agent, url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
      response.on('end', resolve).on('error', reject).resume()
    })
    outgoing.on('error', reject).end(body)
  })
}

async function arrivalsOf(receiver: ChildProcess, wait: number): Promise<Record<string, number>> {
  receiver.send({ wait } satisfies ReceiverRequest)
  const signal = AbortSignal.timeout(30_000)
  const [answer] = (await once(receiver, 'message', { signal })) as [ReceiverAnswer]
  if (!('arrivals' in answer)) throw new Error('The receiver answered something else')
  return answer.arrivals
}

/** Milliseconds from what `happen` says to the arrival, at a steady rate. */
async function measure(
  receiver: ChildProcess,
  count: number,
  happen: (id: string) => Promise<number>,
) {
  const begun = new Map<string, number>()
  for (let n = 0; n < count; n++) {
    const id = randomUUID()
    begun.set(id, await happen(id))
    await sleep(everyMs)
  }
  const arrivals = await arrivalsOf(receiver, count)
  return percentiles([...begun].map(([id, at]) => ((arrivals[id] ?? Number.NaN) - at) / 1e6))
}

/** Requests a second from the moment before `happen` to the last arrival. */
async function throughput(
  receiver: ChildProcess,
  happen: (ids: string[]) => Promise<unknown>,
): Promise<number> {
  const ids = Array.from({ length: burst }, () => randomUUID())
  const begun = Number(process.hrtime.bigint())
  await happen(ids)
  const arrivals = await arrivalsOf(receiver, burst)
  const last = Math.max(...Object.values(arrivals))
  return round(burst / ((last - begun) / 1e9), 0)
}
