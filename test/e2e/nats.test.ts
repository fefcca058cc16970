// Servers and workers whose jobs go by NATS, by the doors that users take.
import type { Health } from '@slipway/contract/health'
import type { Run } from '@slipway/contract/runs'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import { parseMetrics, valueOf } from '../support/parse-metrics.ts'
import { listedWorkers, type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import {
  finishedRun,
  getRun,
  logOf,
  startRun,
  stepNamed,
  stepsOf,
  waitForLog,
  waitForRun,
} from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const longMs = 120_000
const name = 'acme/shop'

let nats: TestNats
let server: TestServer
let worker: RemoteWorker | undefined
let repository: TestRepository
beforeAll(async () => {
  nats = await startNats({ configuration: 'authorization { token: s3cr3t-of-nats }' })
  server = await startTestServer({ NATS_URL: nats.host, NATS_TOKEN: 's3cr3t-of-nats' })
  repository = await createRepository(server.repositories, name)
}, longMs)
afterAll(async () => {
  await worker?.close()
  await server?.close()
  await nats?.close()
})

const readiness = async () => {
  const answer = await server.request('GET', '/readyz', { token: null })
  return [answer.status, ((await answer.json()) as Health).status]
}
const step = (stepName: string, run: string, more: object = {}) => ({
  name: stepName,
  action: 'run',
  run,
  ...more,
})

/** Waits until the step has said so. */
async function begun(runId: string, stepName: string): Promise<void> {
  const isThere = (run: Run) => stepsOf(run).some((each) => each.name === stepName)
  await waitForLog(server, stepNamed(await waitForRun(server, runId, isThere), stepName), 'begun')
}

describe('a server with NATS_URL', () => {
  it('tells whoever listens there of every event, in order', async () => {
    const listener = await connect({ servers: nats.host, token: 's3cr3t-of-nats' })
    try {
      const told: { subject: string; event_type: string; data: { run_id?: string } }[] = []
      listener.subscribe('slipway.events.>', {
        callback: (_error, message) => {
          told.push({ ...message.json<(typeof told)[number]>(), subject: message.subject })
        },
      })
      await listener.flush()
      const commit = await repository.commit(oneProject([step('one', 'echo one')]))
      const id = await startRun(server, name, commit)
      await expect
        .poll(() => told.map(({ event_type: type }) => type), { timeout: 60_000 })
        .toContain('pipeline.run.completed')
      const ofRun = told.filter(({ data }) => data.run_id === id)
      expect(ofRun[0]?.event_type).toBe('pipeline.run.created')
      for (const { subject, event_type: type } of ofRun)
        expect(subject).toBe(`slipway.events.${type}`)
    } finally {
      await listener.close()
    }
  })

  it('takes a run from discovery to its end', async () => {
    const steps = [step('one', 'echo one'), step('two', 'echo two', { needs: ['one'] })]
    const commit = await repository.commit(oneProject(steps))
    const run = await finishedRun(server, await startRun(server, name, commit))
    expect(run.status).toBe('success')
    expect(await logOf(server, stepNamed(run, 'two'))).toBe('two\n')
  })

  it('stops a run that is cancelled', async () => {
    const commit = await repository.commit(oneProject([step('slow', 'echo begun; sleep 600')]))
    const id = await startRun(server, name, commit)
    await begun(id, 'slow')
    const answer = await server.request('DELETE', `/v1/runs/${id}`)
    expect(answer.status).toBe(204)
    expect((await getRun(server, id)).status).toBe('cancelled')
  })

  it(
    'accepts runs while NATS is away, goes on with those in hand, and takes the others up again',
    async () => {
      expect(await readiness()).toEqual([200, 'healthy'])
      const slow = await repository.commit(
        oneProject([
          step('slow', 'echo begun; while [ ! -e "$SLIPWAY_CACHE/go" ]; do sleep 0.1; done'),
        ]),
      )
      const inHand = await startRun(server, name, slow)
      await begun(inHand, 'slow')
      await nats.kill()
      await expect.poll(readiness, { timeout: longMs }).toEqual([200, 'degraded'])
      const health = await server.request('GET', '/health', { token: null })
      expect([health.status, await health.json()]).toMatchObject([
        503,
        { status: 'degraded', checks: { database: 'pass', job_bus: 'fail' } },
      ])
      const quick = await repository.commit(oneProject([step('go', 'touch "$SLIPWAY_CACHE/go"')]))
      const waiting = await startRun(server, name, quick)
      expect((await getRun(server, waiting)).status).toBe('pending')
      expect((await getRun(server, inHand)).status).toBe('running')
      await nats.start()
      expect((await finishedRun(server, waiting, longMs)).status).toBe('success')
      expect((await finishedRun(server, inHand, longMs)).status).toBe('success')
      await expect.poll(readiness, { timeout: longMs }).toEqual([200, 'healthy'])
    },
    2 * longMs,
  )

  it('shows how its consumers keep up', async () => {
    const answer = await server.request('GET', '/metrics')
    const families = parseMetrics(await answer.text())
    const value = (metric: string, labels: Record<string, string>) =>
      valueOf(families, metric, labels)
    expect(value('slipway_job_bus_connected', { bus: 'nats' })).toBe(1)
    expect(value('slipway_job_bus_pending', { type: 'task' })).toBe(0)
    expect(value('slipway_job_bus_redelivered_total', { type: 'task' })).toBeGreaterThanOrEqual(0)
    expect(value('slipway_job_bus_dead_letters', { bus: 'nats' })).toBe(0)
  })

  it(
    'starts, and works, where NATS comes later, and tells nobody the token',
    async () => {
      await nats.kill()
      await server.stop()
      await server.restart()
      const commit = await repository.commit(oneProject([step('one', 'echo later')]))
      const id = await startRun(server, name, commit)
      await nats.start()
      expect((await finishedRun(server, id, longMs)).status).toBe('success')
      expect(server.output.join('\n')).not.toContain('s3cr3t-of-nats')
    },
    longMs,
  )
})

describe('a worker with NATS_URL', () => {
  it(
    'does the runs of a server that takes no jobs itself',
    async () => {
      await server.stop()
      await server.restart({ SLIPWAY_WORKER_TYPES: '' })
      worker = await startRemoteWorker(server, {
        env: {
          NATS_URL: nats.host,
          NATS_TOKEN: 's3cr3t-of-nats',
          SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
        },
      })
      const commit = await repository.commit(oneProject([step('one', 'echo from afar')]))
      const run = await finishedRun(server, await startRun(server, name, commit))
      expect(run.status).toBe('success')
      expect(await logOf(server, stepNamed(run, 'one'))).toBe('from afar\n')
      const [mine] = (await listedWorkers(server)).filter(({ kind }) => kind === 'remote')
      expect(mine?.id).toBe(worker.id())
    },
    longMs,
  )

  it(
    'that dies is followed by another, which begins again what it had in hand',
    async () => {
      if (worker === undefined) throw new Error('there is no worker')
      const commit = await repository.commit(
        oneProject([
          step(
            'once',
            'if [ -e "$SLIPWAY_CACHE/seen" ]; then exit 0; fi; touch "$SLIPWAY_CACHE/seen"; echo begun; sleep 600',
          ),
        ]),
      )
      const id = await startRun(server, name, commit)
      await begun(id, 'once')
      await worker.killWorking()
      const run = await finishedRun(server, id, longMs)
      expect(run.status).toBe('success')
      expect(run.phases.flatMap(({ tasks }) => tasks).map(({ attempt }) => attempt)).toEqual([2])
    },
    longMs,
  )
})
