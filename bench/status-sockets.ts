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
import { sampleRun, watchRepository } from '../test/support/monitor.ts'
import type { SocketsAnswer, SocketsRequest } from './socket-readers.ts'
import { percentiles, round } from './statistics.ts'

const readers = 1_000
const rounds = 40
const samples = 200
const log = { info() {}, warn() {}, error() {} }

/**
 * Milliseconds from the commit of an event until the last of 1,000 sockets, in another process, has it,
 * against a bare broadcast of the same bytes by `ws`, which has no commit to wait for; and from the start
 * of the transaction that stores what GitHub said until one subscriber has it. Takes about 15 seconds.
 */
export async function benchStatusSockets(url: string): Promise<object> {
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
    /** Answers when it began, and when it was committed. */
    const tell = async (id: number) => {
      const begun = Number(process.hrtime.bigint())
      let committed = 0
      const wakeEvents = () => {
        committed = Number(process.hrtime.bigint())
        relay.wake()
      }
      await transact({ db, wakeEvents, wakeJobs() {} }, async (unit) => {
        const runs = await storeRuns(unit, { repositoryId, runs: [sampleRun({ id })] })
        await announceChanges(unit, { repositoryId, runs, jobs: [] })
      })
      return { begun, committed }
    }
    const broadcast = async (id: number) => {
      const begun = Number(process.hrtime.bigint())
      const frame = Buffer.from(frameLike(id))
      for (const client of bare.clients) client.send(frame, { binary: false })
      return { begun, committed: begun }
    }
    const ours = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`
    const floor = `ws://127.0.0.1:${(bare.address() as AddressInfo).port}`
    const bareFanOut = await measure(floor, { readers, rounds, firstId: 1 }, broadcast)
    const fanOut = await measure(ours, { readers, rounds, firstId: 1_000 }, tell)
    const latency = await measure(ours, { readers: 1, rounds: samples, firstId: 2_000 }, tell)
    const ratio = round(fanOut.fromCommit.p50 / bareFanOut.fromCommit.p50)
    return {
      readers,
      goal: { ratio: 1.5, storedToSubscriberMs: 20 },
      fanOut: { floorMs: bareFanOut.fromCommit, ms: fanOut.fromCommit, ratio },
      storedToSubscriberMs: latency.fromStart,
      reached: ratio <= 1.5 && latency.fromStart.p50 <= 20,
    }
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

async function measure(
  url: string,
  input: { readers: number; rounds: number; firstId: number },
  happen: (id: number) => Promise<{ begun: number; committed: number }>,
) {
  const child = fork(new URL('./socket-readers.ts', import.meta.url))
  const ask = async (request: SocketsRequest): Promise<SocketsAnswer> => {
    child.send(request)
    const signal = AbortSignal.timeout(30_000)
    const [answer] = (await once(child, 'message', { signal })) as [SocketsAnswer]
    return answer
  }
  try {
    await ask({ type: 'open', url, token: 'bench', count: input.readers })
    const fromStart: number[] = []
    const fromCommit: number[] = []
    for (let round = 0; round < input.rounds; round++) {
      const runId = input.firstId + round
      const { begun, committed } = await happen(runId)
      const answer = await ask({ type: 'collect', runId })
      if (answer.type !== 'collected') throw new Error(`Unexpected answer ${answer.type}`)
      const last = Math.max(...answer.arrivals)
      fromStart.push((last - begun) / 1e6)
      fromCommit.push((last - committed) / 1e6)
      await sleep(10)
    }
    return { fromStart: percentiles(fromStart), fromCommit: percentiles(fromCommit) }
  } finally {
    child.send({ type: 'close' } satisfies SocketsRequest)
    await once(child, 'exit')
  }
}
