// Three nodes that are restarted one after the other while jobs flow.
import { randomUUID } from 'node:crypto'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startNatsCluster } from '../support/nats.ts'
import { newJob } from './job-bus-tools.ts'
import { countEffects } from './nats-effects.ts'
import { makeNatsWorld, type NatsWorld } from './nats-world.ts'

const longMs = 120_000

let cluster: Awaited<ReturnType<typeof startNatsCluster>>
let world: NatsWorld
beforeEach(async () => {
  cluster = await startNatsCluster()
  world = await makeNatsWorld({
    servers: cluster.nodes.map(({ host }) => host),
    keepMs: 500,
    replicas: 3,
  })
}, longMs)
afterEach(async () => {
  await world.close()
  await cluster.close()
}, longMs)

it(
  'a rolling restart loses and doubles no effect, and streams have three copies',
  async () => {
    await world.openBus()
    const effects = await countEffects(world)
    for (let n = 0; n < 2; n++) {
      const worker = await world.openWorkerBus()
      worker.subscribe({
        workerId: await world.addWorker(['task']),
        types: ['task'],
        capacity: 8,
        handle: effects.handle,
      })
    }
    const ids: string[] = []
    let restarted = false
    const load = async () => {
      while (!restarted) {
        const jobs = Array.from({ length: 10 }, () =>
          newJob({ subject: `pipeline.tasks.${randomUUID()}.${randomUUID()}` }),
        )
        ids.push(...jobs.map(({ id }) => id))
        await world.enqueue(jobs)
        // As fast as they are done, but for some that wait.
        await expect
          .poll(async () => ids.length - (await effects.count()).jobs, { timeout: longMs })
          .toBeLessThan(200)
      }
    }
    const restart = async () => {
      try {
        for (const [n, node] of cluster.nodes.entries()) {
          const before = (await effects.count()).jobs
          // Lame duck mode is for long farewells: a node is told to stop, or dies.
          await (n === 1 ? node.kill() : node.stop())
          await expect
            .poll(async () => (await effects.count()).jobs, { timeout: longMs })
            .toBeGreaterThan(before + 100)
          await node.start()
          await allCurrent(cluster.nodes.map(({ host }) => host))
        }
      } finally {
        restarted = true
      }
    }
    await Promise.all([load(), restart()])
    await effects.expectOnce(ids)
  },
  2 * longMs,
)

/** Waits until every copy of the tasks' stream has all that its leader has. */
async function allCurrent(servers: string[]): Promise<void> {
  const client = await connect({ servers, maxReconnectAttempts: -1 })
  try {
    const jsm = await jetstreamManager(client, { checkAPI: false })
    const copies = async () => {
      const stream = `${world.connection.prefix}-pipeline-tasks`
      const info = await jsm.streams.info(stream).catch(() => null)
      const replicas = info?.cluster?.replicas ?? []
      return replicas.filter(({ current, offline }) => current && offline !== true).length
    }
    await expect.poll(copies, { timeout: longMs, interval: 250 }).toBe(2)
  } finally {
    await client.close()
  }
}
