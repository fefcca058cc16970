import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Metrics, openMetrics } from '../../packages/server/src/metrics/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type MetricFamily, parseMetrics, valueOf } from '../support/parse-metrics.ts'
import { quietLog } from '../support/quiet-log.ts'

// What the rest of the program tells the metrics, or is wrapped by them for.

let database: TestDatabase
let metrics: Metrics
beforeAll(async () => {
  database = await createTestDatabase()
  metrics = openMetrics({ db: database.db, log: quietLog, version: '1.2.3' }, { cacheMs: 0 })
})
afterAll(() => database.close())

async function scrape(): Promise<Map<string, MetricFamily>> {
  return parseMetrics(await metrics.scrape())
}

it('shows the job bus: what waits in it, and whether it is there', async () => {
  const status = {
    connected: true,
    pending: new Map([['task', 7]]),
    unacknowledged: new Map([['task', 2]]),
    redelivered: new Map([['task', 3]]),
    deadLetters: 1,
  }
  metrics.watchJobBus({ name: 'nats', status: async () => status })
  const there = await scrape()
  expect(valueOf(there, 'slipway_job_bus_connected', { bus: 'nats' })).toBe(1)
  expect(valueOf(there, 'slipway_job_bus_pending', { type: 'task' })).toBe(7)
  expect(valueOf(there, 'slipway_job_bus_unacknowledged', { type: 'task' })).toBe(2)
  expect(valueOf(there, 'slipway_job_bus_dead_letters', { bus: 'nats' })).toBe(1)
  for (const ask of [
    () => Promise.reject(new Error('away')),
    () => new Promise<never>(() => undefined),
  ]) {
    metrics.watchJobBus({ name: 'nats', status: ask })
    const away = await scrape()
    expect(valueOf(away, 'slipway_job_bus_connected', { bus: 'nats' })).toBe(0)
    expect(away.get('slipway_job_bus_pending')?.samples).toEqual([])
  }
  metrics.watchJobBus({ name: 'embedded' })
  const embedded = await scrape()
  expect(valueOf(embedded, 'slipway_job_bus_connected', { bus: 'embedded' })).toBe(1)
})

it('counts through what it wraps, and lets pass what that says', async () => {
  const calls: string[] = []
  const identity = metrics.measureIdentity({
    name: 'test',
    async authenticate(bearer) {
      if (bearer === 'away') throw new Error('away')
      return bearer === 'good' ? { id: '1', name: 'a', roles: [], repositories: null } : null
    },
  })
  expect(await identity.authenticate('good')).toMatchObject({ id: '1' })
  expect(await identity.authenticate('bad')).toBeNull()
  await expect(identity.authenticate('away')).rejects.toThrow('away')
  const store: ObjectStore = {
    name: 'test',
    put: async (key) => void calls.push(`put ${key}`),
    putFile: () => Promise.reject(new Error('full')),
    get: async () => null,
    head: async () => null,
    delete: async () => undefined,
    deletePrefix: async () => undefined,
    presign: async () => null,
    check: async () => undefined,
    close: async () => undefined,
  }
  const objects = metrics.ports.objects(store)
  await objects.put('a/b', Buffer.from('x'))
  await expect(objects.putFile('a/c', '/tmp/x')).rejects.toThrow('full')
  expect(calls).toEqual(['put a/b'])
  metrics.webhooks.attempt('refused', 2)
  metrics.ledger.attemptLost('task', 'lost', true)
  const families = await scrape()
  for (const outcome of ['accepted', 'refused', 'failed']) {
    expect(valueOf(families, 'slipway_identity_checks_total', { outcome })).toBe(1)
  }
  expect(valueOf(families, 'slipway_object_store_errors_total', { operation: 'put' })).toBe(0)
  expect(valueOf(families, 'slipway_object_store_errors_total', { operation: 'putFile' })).toBe(1)
  expect(valueOf(families, 'slipway_object_store_seconds_count', { operation: 'put' })).toBe(1)
  expect(valueOf(families, 'slipway_webhook_attempt_seconds_sum', { outcome: 'refused' })).toBe(2)
  const lost = { type: 'task', reason: 'lost' }
  expect(valueOf(families, 'slipway_job_attempts_lost_total', lost)).toBe(1)
  expect(valueOf(families, 'slipway_jobs_dead_total', { type: 'task' })).toBe(1)
})
