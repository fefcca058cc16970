// Jobs that nobody could do, and what the bus says of itself.
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NatsJobBus } from '../../packages/server/src/adapters/job-bus/nats/create-nats-job-bus.ts'
import type { NewJob } from '../../packages/server/src/db/unit-of-work.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import { eventually, newJob } from './job-bus-tools.ts'
import { makeNatsWorld, type NatsWorld } from './nats-world.ts'

let nats: TestNats
let client: NatsConnection
let jsm: JetStreamManager
let world: NatsWorld
let bus: NatsJobBus
beforeAll(async () => {
  nats = await startNats()
  client = await connect({ servers: nats.host })
  jsm = await jetstreamManager(client)
})
afterAll(async () => {
  await client.close()
  await nats.close()
})
beforeEach(async () => {
  world = await makeNatsWorld({ servers: [nats.host], keepMs: null, pollMs: 3_600_000 })
  bus = await world.openBus()
})
afterEach(async () => {
  await world.close()
})

const named = (stream: string) => `${world.connection.prefix}-${stream}`

function jobOf(type: string, subject: string, over: Partial<NewJob> = {}): NewJob {
  return newJob({ type, subject, ...over })
}

async function readAll(stream: string): Promise<{ subject: string; id: string; data: unknown }[]> {
  const { state } = await jsm.streams.info(named(stream))
  const messages = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await jsm.streams.getMessage(named(stream), { seq }).catch(() => null)
    if (message === null) continue
    const id = message.header.get('Nats-Msg-Id')
    messages.push({ subject: message.subject, id, data: message.json<unknown>() })
  }
  return messages
}

describe('a dead letter', () => {
  const letters = async () => (await readAll('pipeline-dead-letters')).map(({ data }) => data)

  it('is written of a message that was delivered three times and never acknowledged, and its job fails', async () => {
    const job = jobOf('task', 'pipeline.tasks.x.y', { payload: { n: 1 } })
    await world.enqueue([job])
    const consumer = await jetstream(client).consumers.get(named('pipeline-tasks'), 'task-workers')
    for (let delivery = 1; delivery <= 3; delivery++) {
      const message = await consumer.next({ expires: 5000 })
      expect(message?.info.deliveryCount).toBe(delivery)
      message?.nak()
    }
    // It finds out when it would deliver it again.
    expect(await consumer.next({ expires: 1000 })).toBeNull()
    await expect.poll(() => readAll('pipeline-undelivered')).toHaveLength(1)
    expect(await world.read(job.id)).toMatchObject({ state: 'queued' })
    await bus.keep()
    const error = 'It was delivered 3 times, and no worker took it.'
    expect(await world.read(job.id)).toMatchObject({ state: 'failed', attempt: 0, error })
    expect(await letters()).toEqual([
      {
        job_id: job.id,
        type: 'task',
        subject: job.subject,
        attempts: 0,
        error,
        buried_at: expect.any(String) as string,
        payload: { n: 1 },
      },
    ])
    expect(await readAll('pipeline-tasks')).toEqual([])
    await expect.poll(() => readAll('pipeline-undelivered')).toEqual([])
    await bus.keep()
    expect(await letters()).toHaveLength(1)
    expect((await bus.status()).deadLetters).toBe(1)
  })

  it('is not written of a job that was taken all the same, which gets another message', async () => {
    const job = jobOf('task', 'pipeline.tasks.x.y')
    await world.enqueue([job])
    const consumer = await jetstream(client).consumers.get(named('pipeline-tasks'), 'task-workers')
    for (let delivery = 1; delivery <= 3; delivery++) {
      const message = await consumer.next({ expires: 5000 })
      message?.nak()
    }
    expect(await consumer.next({ expires: 1000 })).toBeNull()
    await expect.poll(() => readAll('pipeline-undelivered')).toHaveLength(1)
    // Its acknowledgements got lost; the attempt failed, and the next one is due.
    await world.database.pool.query('update jobs set attempt = 1 where id = $1', [job.id])
    await bus.keep()
    expect(await world.read(job.id)).toMatchObject({ state: 'queued', attempt: 1 })
    expect(await letters()).toEqual([])
    await bus.keep()
    const messages = await readAll('pipeline-tasks')
    expect(messages).toMatchObject([{ data: { job_id: job.id, attempt: 1 } }])
  })

  it('is written once of a job that died in the ledger, also by a server that starts later', async () => {
    const job = jobOf('task', 'pipeline.tasks.x.y', { maxAttempts: 2 })
    bus.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: () => Promise.reject(new Error('no luck')),
    })
    await world.enqueue([job])
    await eventually(world, job.id).toMatchObject({ state: 'dead' })
    await bus.keep()
    const later = await world.openBus()
    await later.keep()
    await bus.keep()
    expect(await letters()).toMatchObject([{ job_id: job.id, attempts: 2, error: 'no luck' }])
  })
})

describe('what the bus says of itself', () => {
  it('is how many messages wait, are in hand, and were delivered again', async () => {
    const jobs = [1, 2, 3].map((n) => jobOf('build', `builds.${n}`))
    await world.enqueue(jobs)
    const status = async () => await bus.status()
    await expect.poll(async () => (await status()).pending.get('build')).toBe(3)
    const consumer = await jetstream(client).consumers.get(
      named('pipeline-builds'),
      'build-workers',
    )
    const first = await consumer.next({ expires: 5000 })
    first?.nak()
    // Whichever comes first: it, or the others before it.
    const taken = new Set([first?.seq])
    for (let isAgain = false; !isAgain;) {
      const message = await consumer.next({ expires: 5000 })
      taken.add(message?.seq)
      isAgain = message?.redelivered ?? true
    }
    const { pending, unacknowledged, redelivered, connected } = await status()
    expect([pending.get('build'), pending.get('task')]).toEqual([3 - taken.size, 0])
    expect([unacknowledged.get('build'), redelivered.get('build')]).toEqual([taken.size, 1])
    expect(connected).toBe(true)
  })
})
