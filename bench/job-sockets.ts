import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server } from 'socket.io'
import { randomUUID as uuid } from 'node:crypto'
import { openDatabase } from '../packages/server/src/db/open-database.ts'
import { transact } from '../packages/server/src/db/unit-of-work.ts'
import { createEventFeed, startEventRelay } from '../packages/server/src/events/index.ts'
import { dispatchUpgrades } from '../packages/server/src/realtime/dispatch-upgrades.ts'
import { openJobSockets } from '../packages/server/src/realtime/jobs/open-job-sockets.ts'
import type { JobSocketsAnswer, JobSocketsRequest } from './job-socket-readers.ts'
import { percentiles, round } from './statistics.ts'

const readers = 1_000
const rounds = 40
const repository = 'bench/jobs'
const log = { info() {}, warn() {}, error() {} }

/**
 * Milliseconds from the commit of a job's event until the last of 1,000 clients of socket.io, in another
 * process, has it, against a bare broadcast of the same message by socket.io, which has no commit to wait
 * for. Takes about 15 seconds.
 */
export async function benchJobSockets(url: string): Promise<object> {
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
  const limits = { maxClients: 2 * readers, maxUnknown: readers }
  const target = openJobSockets({ db, identity, feed, log, publicUrl: null }, limits)
  const server = createServer((request, response) => target.answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = dispatchUpgrades({ log, servers: [server], targets: [target] }, limits)
  const bareServer = createServer().listen(0, '127.0.0.1')
  await once(bareServer, 'listening')
  const bare = new Server(bareServer, { perMessageDeflate: false })
  bare.on('connection', (socket) => {
    socket.on('subscribe:repository', (name: string, acknowledge: () => void) => {
      void socket.join(name)
      acknowledge()
    })
  })
  const urlOf = (each: typeof server) => `http://127.0.0.1:${(each.address() as AddressInfo).port}`
  try {
    /** Answers when it was committed. */
    const tell = async (jobId: string) => {
      let committed = 0
      const wakeEvents = () => {
        committed = Number(process.hrtime.bigint())
        relay.wake()
      }
      await transact({ db, wakeEvents, wakeJobs() {} }, async (unit) => {
        const job = { delegation_id: jobId, repository, job: 'build', github_run_id: '1' }
        const data = { ...job, status: 'running' as const, reason: null }
        unit.emit({ type: 'runner.job.updated', repository, runId: null, data })
      })
      return committed
    }
    const broadcast = async (jobId: string) => {
      const begun = Number(process.hrtime.bigint())
      bare.to(repository).emit('job:status', { jobId, repository, status: 'running' })
      return begun
    }
    // In turns, so that whatever else the machine does slows both.
    const [floorMs, ms] = await measure([
      { url: urlOf(bareServer), happen: broadcast },
      { url: urlOf(server), happen: tell },
    ])
    if (floorMs === undefined || ms === undefined) throw new Error('nothing was measured')
    return { readers, floorMs, ms, ratio: round(ms.p50 / floorMs.p50) }
  } finally {
    await sockets.close()
    server.close()
    await bare.close()
    await relay.close()
    await feed.close()
    await database.close()
  }
}

/** Milliseconds until the last reader was told, of each of `all`, which take turns. */
async function measure(
  all: readonly { url: string; happen(jobId: string): Promise<number> }[],
): Promise<ReturnType<typeof percentiles>[]> {
  const measured = all.map((each) => ({ ...each, readers: startReaders(), waits: [] as number[] }))
  try {
    for (const each of measured) {
      await each.readers.ask({ type: 'open', url: each.url, count: readers })
    }
    for (let done = 0; done < rounds; done++) {
      for (const { happen, readers: told, waits } of measured) {
        const jobId = uuid()
        const since = await happen(jobId)
        const answer = await told.ask({ type: 'collect', jobId })
        if (answer.type !== 'collected') throw new Error(`Unexpected answer ${answer.type}`)
        waits.push((Math.max(...answer.arrivals) - since) / 1e6)
        await sleep(10)
      }
    }
    return measured.map(({ waits }) => percentiles(waits))
  } finally {
    await Promise.all(measured.map((each) => each.readers.close()))
  }
}

function startReaders() {
  const child = fork(new URL('./job-socket-readers.ts', import.meta.url))
  return {
    async ask(request: JobSocketsRequest): Promise<JobSocketsAnswer> {
      child.send(request)
      const signal = AbortSignal.timeout(30_000)
      const [answer] = (await once(child, 'message', { signal })) as [JobSocketsAnswer]
      return answer
    },
    async close() {
      const exit = once(child, 'exit')
      child.send({ type: 'close' } satisfies JobSocketsRequest)
      await exit
    },
  }
}
