import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { openDatabase } from '../packages/server/src/db/open-database.ts'
import { transact } from '../packages/server/src/db/unit-of-work.ts'
import { createEventFeed, startEventRelay } from '../packages/server/src/events/index.ts'
import { announceChanges, createMemos, storeRuns } from '../packages/server/src/monitor/index.ts'
import { dispatchUpgrades } from '../packages/server/src/realtime/dispatch-upgrades.ts'
import { openStatusSockets } from '../packages/server/src/realtime/status/open-status-sockets.ts'
import { signDelivery } from '../test/support/github/deliver.ts'
import { workflowRunOf } from '../test/support/github/workflows.ts'
import { sampleRun, watchRepository } from '../test/support/monitor.ts'
import { startTestServer } from '../test/support/server.ts'
import type { SocketsAnswer, SocketsRequest } from './socket-readers.ts'
import { percentiles, round } from './statistics.ts'

const readers = 1_000
const rounds = 40
const samples = 200
const log = { info() {}, warn() {}, error() {} }

/**
 * Milliseconds from the commit of an event until the last of 1,000 sockets, in another process, has it,
 * against a bare broadcast of the same bytes by `ws`, which has no commit to wait for; and from when GitHub
 * begins to send a delivery to a server until a subscriber has it. Takes about 20 seconds.
 */
export async function benchStatusSockets(url: string): Promise<object> {
  const fanOut = await benchFanOut(url)
  const deliveryToSubscriberMs = await benchDelivery(url)
  return {
    readers,
    goal: { ratio: 1.5, deliveryToSubscriberMs: 20 },
    fanOut,
    deliveryToSubscriberMs,
    reached: fanOut.ratio <= 1.5 && deliveryToSubscriberMs.p50 <= 20,
  }
}

async function benchFanOut(url: string) {
  const database = await openDatabase({ url, log })
  const { db, pool } = database
  const feed = createEventFeed({ db, log })
  const relay = startEventRelay({ pool, publish: feed.publish, log })
  const identity = {
    name: 'bench',
    authenticate: async () => ({
      id: 'bench',
      name: 'bench',
      roles: ['viewer'] as const,
      repositories: null,
    }),
  }
  const source = { ensureRepository: async () => 'missing' as const, isAway: () => false }
  const status = openStatusSockets({
    db,
    feed,
    log,
    identity,
    anonymousStatus: false,
    publicUrl: null,
    monitor: { db, memos: createMemos(), source },
  })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = dispatchUpgrades(
    { log, servers: [server], targets: [status] },
    { maxClients: 2 * readers },
  )
  const bare = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  bare.on('connection', (socket) => {
    socket.on('message', () => socket.send('{"type":"phase2.subscribed"}'))
  })
  await once(bare, 'listening')
  try {
    const repositoryId = await watchRepository(db, 'bench/pipelines')
    /** Answers when it was committed. */
    const tell = async (id: number) => {
      let committed = 0
      const wakeEvents = () => {
        committed = Number(process.hrtime.bigint())
        relay.wake()
      }
      await transact({ db, wakeEvents, wakeJobs() {} }, async (unit) => {
        const runs = await storeRuns(unit, { repositoryId, runs: [sampleRun({ id })] })
        await announceChanges(unit, { repositoryId, runs, jobs: [] })
      })
      return committed
    }
    const broadcast = async (id: number) => {
      const begun = Number(process.hrtime.bigint())
      const frame = Buffer.from(frameLike(id))
      for (const client of bare.clients) client.send(frame, { binary: false })
      return begun
    }
    const ours = { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws` }
    const floor = { url: `ws://127.0.0.1:${(bare.address() as AddressInfo).port}` }
    // In turns, so that whatever else the machine does slows both.
    const { floorMs, ms } = await measure(
      { readers, rounds },
      {
        floorMs: { ...floor, firstId: 1, happen: broadcast },
        ms: { ...ours, firstId: 1_000, happen: tell },
      },
    )
    return { floorMs, ms, ratio: round(ms.p50 / floorMs.p50) }
  } finally {
    await sockets.close()
    server.close()
    bare.close()
    await relay.close()
    await feed.close()
    await database.close()
  }
}

/** As long as what is measured against it. */
function frameLike(runId: number): string {
  const data = {
    repository: 'bench/pipelines',
    workflow: 'CI/CD Pipeline',
    branch: 'main',
    runId,
    actor: 'username',
    status: 'success',
    conclusion: 'success',
    duration: 300,
  }
  const timestamp = new Date().toISOString()
  const type = 'phase2.event'
  return JSON.stringify({
    type,
    channel: 'pipelines',
    event: 'pipeline:completed',
    data,
    timestamp,
  })
}

async function benchDelivery(url: string) {
  const secret = 'a secret that GitHub knows'
  const server = await startTestServer({ DATABASE_URL: url, GITHUB_WEBHOOK_SECRET: secret })
  try {
    const deliver = async (id: number) => {
      const payload = workflowRunOf('completed', { repository: 'bench/delivered', id })
      const { headers, body } = signDelivery(secret, 'workflow_run', payload)
      const begun = Number(process.hrtime.bigint())
      const path = new URL('/api/v2/webhooks/github', server.url)
      const answer = await fetch(path, { method: 'POST', headers, body })
      await answer.arrayBuffer()
      if (!answer.ok) throw new Error(`The delivery was answered with ${answer.status}`)
      return begun
    }
    const ours = { url: `${server.url.replace('http', 'ws')}/ws`, token: server.token }
    const delivered = { ...ours, firstId: 10_000, happen: deliver }
    return (await measure({ readers: 1, rounds: samples }, { delivered })).delivered
  } finally {
    await server.close()
  }
}

/** What is measured: readers at `url` are told of a run when `happen`, given its id, makes it so. */
interface Measured {
  url: string
  token?: string
  firstId: number
  /** Answers the moment from which on a reader waits. */
  happen(id: number): Promise<number>
}

/** Milliseconds until the last reader was told, of each of `all`, which take turns. */
async function measure<Name extends string>(
  input: { readers: number; rounds: number },
  all: Record<Name, Measured>,
): Promise<Record<Name, ReturnType<typeof percentiles>>> {
  const measured = Object.entries<Measured>(all).map(([name, each]) => {
    return { ...each, name, readers: startReaders(), waits: [] as number[] }
  })
  try {
    for (const { url, token = 'bench', readers } of measured) {
      await readers.ask({ type: 'open', url, token, count: input.readers })
    }
    for (let done = 0; done < input.rounds; done++) {
      for (const { firstId, happen, readers, waits } of measured) {
        const runId = firstId + done
        const since = await happen(runId)
        const answer = await readers.ask({ type: 'collect', runId })
        if (answer.type !== 'collected') throw new Error(`Unexpected answer ${answer.type}`)
        waits.push((Math.max(...answer.arrivals) - since) / 1e6)
        await sleep(10)
      }
    }
    const results = measured.map(({ name, waits }) => [name, percentiles(waits)] as const)
    return Object.fromEntries(results) as Record<Name, ReturnType<typeof percentiles>>
  } finally {
    for (const { readers } of measured) await readers.close()
  }
}

function startReaders() {
  const child = fork(new URL('./socket-readers.ts', import.meta.url))
  return {
    async ask(request: SocketsRequest): Promise<SocketsAnswer> {
      child.send(request)
      const signal = AbortSignal.timeout(30_000)
      const [answer] = (await once(child, 'message', { signal })) as [SocketsAnswer]
      return answer
    },
    async close() {
      const exit = once(child, 'exit')
      child.send({ type: 'close' } satisfies SocketsRequest)
      await exit
    },
  }
}
