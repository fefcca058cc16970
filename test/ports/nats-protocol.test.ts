// What the job bus says to NATS: streams, consumers, messages and replies as documented.
import { randomUUID } from 'node:crypto'
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { JobEnvelope, JobReply } from '@slipway/contract/jobs'
import {
  JobEnvelope as JobEnvelopeSchema,
  JobReply as JobReplySchema,
} from '@slipway/contract/jobs'
import Value from 'typebox/value'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NatsJobBus } from '../../packages/server/src/adapters/job-bus/nats/create-nats-job-bus.ts'
import type { NewJob } from '../../packages/server/src/db/unit-of-work.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import { collect, eventually, newJob, succeed } from './job-bus-tools.ts'
import { makeNatsWorld, type NatsWorld } from './nats-world.ts'

const seconds = 1_000_000_000
const threeDays = 3 * 86_400 * seconds

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

describe('streams and consumers', () => {
  const documented = [
    ['pipeline-discovery', 'pipeline.discovery.>', 'discovery-workers'],
    ['pipeline-tasks', 'pipeline.tasks.>', 'task-workers'],
    ['pipeline-artifacts', 'pipeline.artifacts.>', 'artifact-workers'],
    ['pipeline-releases', 'pipeline.releases.>', 'release-workers'],
    ['pipeline-deployments', 'pipeline.deployments.>', 'deployment-workers'],
    ['pipeline-builds', 'builds.>', 'build-workers'],
    ['pipeline-runners', 'runners.>', 'delegation-workers'],
  ] as const

  it('are as documented, one of each for the workers of a type', async () => {
    for (const [stream, subject, consumer] of documented) {
      const { config } = await jsm.streams.info(named(stream))
      expect(config).toMatchObject({
        subjects: [`${world.connection.prefix}.${subject}`],
        retention: 'workqueue',
        storage: 'file',
        num_replicas: 1,
        duplicate_window: 120 * seconds,
        max_age: threeDays,
      })
      const info = await jsm.consumers.info(named(stream), consumer)
      expect(info.config).toMatchObject({
        durable_name: consumer,
        ack_policy: 'explicit',
        ack_wait: 15 * seconds,
        max_deliver: 3,
      })
      // A consumer that messages are pushed to would say where to.
      expect(info.config).not.toHaveProperty('deliver_subject')
    }
  })

  it('are mended where somebody changed them, and left alone where not', async () => {
    const stream = named('pipeline-tasks')
    const before = await jsm.streams.info(stream)
    await jsm.streams.update(stream, { max_age: 0 })
    await jsm.consumers.update(stream, 'task-workers', { max_deliver: 9 })
    await jsm.consumers.delete(named('pipeline-builds'), 'build-workers')
    await bus.keep()
    const { config } = await jsm.consumers.info(stream, 'task-workers')
    expect(config.max_deliver).toBe(3)
    await jsm.consumers.info(named('pipeline-builds'), 'build-workers')
    const after = await jsm.streams.info(stream)
    expect([after.created, after.config.max_age]).toEqual([before.created, threeDays])
  })

  it('have the names of the document where there is no prefix', async () => {
    const plain = await makeNatsWorld({
      servers: [nats.host],
      keepMs: null,
      connection: { prefix: '' },
    })
    try {
      await plain.openBus()
      const run = randomUUID()
      const task = randomUUID()
      await plain.enqueue([jobOf('task', `pipeline.tasks.${run}.${task}`, { runId: run })])
      await expect
        .poll(async () => (await jsm.streams.info('pipeline-tasks')).state.messages)
        .toBe(1)
      const message = await jsm.streams.getMessage('pipeline-tasks', {
        last_by_subj: `pipeline.tasks.${run}.${task}`,
      })
      expect(message).not.toBeNull()
    } finally {
      await plain.close()
    }
  })
})

describe('a job as a message', () => {
  it('has its payload, its id as that of the message, and an inbox of its own', async () => {
    const run = randomUUID()
    const jobs = [
      jobOf('discovery', `pipeline.discovery.${run}`, { runId: run, payload: { run_id: run } }),
      jobOf('discovery', `pipeline.discovery.${run}`, { runId: run, payload: 'ä\n' }),
    ]
    await world.enqueue(jobs)
    await expect.poll(() => readAll('pipeline-discovery')).toHaveLength(2)
    const messages = await readAll('pipeline-discovery')
    expect(messages.map(({ subject }) => subject)).toEqual(
      jobs.map(({ subject }) => `${world.connection.prefix}.${subject}`),
    )
    expect(messages.map(({ id }) => id).toSorted()).toEqual(
      jobs.map(({ id }) => `${id}:0`).toSorted(),
    )
    for (const { data } of messages) expect(Value.Check(JobEnvelopeSchema, data)).toBe(true)
    const envelopes = messages.map(({ data }) => data as JobEnvelope)
    for (const job of jobs) {
      expect(envelopes.find(({ job_id }) => job_id === job.id)).toMatchObject({
        type: 'discovery',
        run_id: run,
        attempt: 0,
        payload: job.payload,
      })
    }
    const inboxes = new Set(envelopes.map(({ reply_to }) => reply_to))
    expect(inboxes.size).toBe(2)
    for (const inbox of inboxes) expect(inbox).toMatch(/^_INBOX\./)
  })

  it('leaves out a payload that no message has room for, and is delivered all the same', async () => {
    const large = jobOf('task', 'pipeline.tasks.x.y', { payload: { text: 'x'.repeat(1_500_000) } })
    await world.enqueue([large])
    await expect.poll(() => readAll('pipeline-tasks')).toHaveLength(1)
    const [message] = await readAll('pipeline-tasks')
    expect(message?.data).not.toHaveProperty('payload')
    const seen = collect<unknown>()
    bus.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: (job) => {
        seen.add(job.payload)
        return succeed()
      },
    })
    expect(await seen.next()).toEqual(large.payload)
  })

  it('is new for each attempt, and acknowledged once the attempt is over', async () => {
    const job = jobOf('task', 'pipeline.tasks.x.y')
    const begun = collect<number>()
    let release = () => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    await world.enqueue([job])
    bus.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: async ({ attempt }) => {
        begun.add(attempt)
        if (attempt === 1) throw new Error('again')
        await gate
        return { state: 'succeeded', result: null }
      },
    })
    expect([await begun.next(), await begun.next()]).toEqual([1, 2])
    const [message, ...others] = await readAll('pipeline-tasks')
    expect(others).toEqual([])
    expect(message).toMatchObject({ id: `${job.id}:1`, data: { attempt: 1 } })
    release()
    await expect.poll(() => readAll('pipeline-tasks')).toEqual([])
  })

  it('that is none is thrown away, whoever sent it', async () => {
    const stranger = jetstream(client)
    await stranger.publish(`${world.connection.prefix}.pipeline.tasks.x`, 'no job')
    await stranger.publish(
      `${world.connection.prefix}.pipeline.tasks.y`,
      JSON.stringify({ job_id: randomUUID(), attempt: 0, reply_to: null }),
    )
    const entered: string[] = []
    bus.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: ({ id }) => {
        entered.push(id)
        return succeed()
      },
    })
    await expect.poll(() => readAll('pipeline-tasks')).toEqual([])
    expect(entered).toEqual([])
  })

  it('cannot make a worker publish where it likes', async () => {
    const job = jobOf('task', 'pipeline.tasks.x.y')
    await world.enqueue([job], 'unseen')
    const overheard: string[] = []
    const forbidden = `${world.connection.prefix}.pipeline.dead-letters.forged`
    client.subscribe(forbidden, { callback: () => void overheard.push('it did') })
    await jetstream(client).publish(
      `${world.connection.prefix}.pipeline.tasks.x`,
      JSON.stringify({ job_id: job.id, attempt: 0, reply_to: forbidden }),
    )
    bus.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: () => succeed('fine'),
    })
    await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
    await expect.poll(() => readAll('pipeline-tasks')).toEqual([])
    expect(overheard).toEqual([])
  })
})

describe('a reply', () => {
  const replyOf = (job: NewJob) =>
    new Promise<JobReply>((resolve) => void bus.onReply(job.id, resolve))

  async function serve(result: unknown, stored?: Map<string, string>) {
    const worker = await world.openWorkerBus(
      stored === undefined
        ? {}
        : {
            objects: {
              put: async (key, body) => void stored.set(key, (body as Buffer).toString()),
            },
          },
    )
    worker.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: () => succeed(result),
    })
  }

  it('goes to the inbox with the result in it, before the acknowledgement', async () => {
    await serve({ answer: 42 })
    const job = jobOf('task', 'pipeline.tasks.x.y', { runId: randomUUID() })
    const reply = replyOf(job)
    await world.enqueue([job])
    expect(await reply).toEqual({
      job_id: job.id,
      state: 'succeeded',
      result: { answer: 42 },
      error: null,
    })
    expect(Value.Check(JobReplySchema, await reply)).toBe(true)
    expect(await world.read(job.id)).toMatchObject({ state: 'succeeded' })
  })

  it('names the object that a result over 1 MiB is kept as, and so does the ledger', async () => {
    const stored = new Map<string, string>()
    const result = { text: 'x'.repeat(2_000_000) }
    await serve(result, stored)
    const runId = randomUUID()
    const job = jobOf('task', 'pipeline.tasks.x.y', { runId })
    const reply = replyOf(job)
    await world.enqueue([job])
    const key = `pipeline-runs/${runId}/results/task/${job.id}.json`
    expect(await reply).toEqual({
      job_id: job.id,
      state: 'succeeded',
      result_reference: key,
      error: null,
    })
    expect([...stored.keys()]).toEqual([key])
    expect(JSON.parse(stored.get(key) ?? '')).toEqual(result)
    expect((await world.read(job.id)).result).toEqual({ result_reference: key, size: 2_000_011 })
  })

  it('names an object too for a result that the ledger takes and no message does', async () => {
    const stored = new Map<string, string>()
    const result = 'x'.repeat(1_048_000)
    await serve(result, stored)
    const job = jobOf('task', 'pipeline.tasks.x.y', { runId: randomUUID() })
    const reply = replyOf(job)
    await world.enqueue([job])
    const key = `pipeline-runs/${job.runId}/results/task/${job.id}.json`
    expect(await reply).toMatchObject({ state: 'succeeded', result_reference: key })
    expect(stored.get(key)).toBe(JSON.stringify(result))
    expect((await world.read(job.id)).result).toBe(result)
  })

  it('tells of a failure', async () => {
    const worker = await world.openWorkerBus()
    worker.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: (job) =>
        job.payload === 'dies'
          ? Promise.reject(new Error('no luck'))
          : Promise.resolve({ state: 'failed', error: 'broken' }),
    })
    const fails = jobOf('task', 'pipeline.tasks.x.y')
    const dies = jobOf('task', 'pipeline.tasks.x.z', { payload: 'dies', maxAttempts: 2 })
    const replies = [replyOf(fails), replyOf(dies)]
    await world.enqueue([fails, dies])
    expect(await Promise.all(replies)).toEqual([
      { job_id: fails.id, state: 'failed', error: 'broken' },
      { job_id: dies.id, state: 'dead', error: 'no luck' },
    ])
  })
})
