// Containers that are created ahead, by a real engine.
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { createDockerContainerHost } from '../../packages/server/src/adapters/container-host/docker/create-docker-container-host.ts'
import type {
  ContainerHost,
  ContainerSpec,
} from '../../packages/server/src/ports/container-host.ts'
import { removeLeftovers } from '../../packages/server/src/worker/delegation/remove-leftovers.ts'
import { createWarmPool } from '../../packages/server/src/worker/index.ts'
import { busyboxFiles, type Dockerd, startDockerd } from '../support/dockerd.ts'

// An engine takes its time where others work, too.
vi.setConfig({ testTimeout: 60_000 })

const log = pino({ level: 'silent' })
let dockerd: Dockerd
let host: ContainerHost
beforeAll(async () => {
  dockerd = await startDockerd()
  await dockerd.importImage('shell:1', await busyboxFiles())
  host = createDockerContainerHost({
    host: { kind: 'unix', socketPath: dockerd.socketPath },
    pull: { policy: 'never', timeoutMs: 1_000 },
    logBytes: 1 << 20,
  })
})
afterAll(async () => {
  await host?.close()
  await dockerd?.close()
})

const specOf = (image: string): Omit<ContainerSpec, 'labels' | 'name'> => ({
  image,
  command: ['true'],
  env: {},
  workdir: null,
  user: null,
  mounts: [],
  network: 'none',
  idle: false,
  limits: { memoryBytes: null, cpus: null, pids: null, diskBytes: null },
})
const missing = { name: 'missing', warm: 1, spec: specOf('no/such:1') }
const good = { name: 'good', warm: 1, spec: specOf('shell:1') }

function openPool(by: ContainerHost, owner: string = randomUUID()) {
  const pool = createWarmPool({ host: by, log, owner }, [missing, good])
  onTestFinished(() => pool.close())
  pool.open()
  return pool
}

it('are there for a class though the image of another one is missing', async () => {
  const pool = openPool(host)
  const taken = new Set<string | undefined>()
  for (let n = 0; n < 3; n++) {
    await expect.poll(() => pool.sizes.get('good'), { timeout: 10_000 }).toBe(1)
    taken.add(pool.take('good', good.spec)?.id)
  }
  expect(taken.size).toBe(3)
})

it('are never given to two, though they are looked for just then', async () => {
  let hold: Promise<void> | null = null
  let listed = () => {}
  const pool = openPool({
    ...host,
    async list(labels, signal) {
      const found = await host.list(labels, signal)
      if (hold !== null) {
        listed()
        await hold
      }
      return found
    },
  })
  await expect.poll(() => pool.sizes.get('good'), { timeout: 10_000 }).toBe(1)
  let release = () => {}
  hold = new Promise((resolve) => (release = resolve))
  // After each failure it looks for what may be there all the same.
  await new Promise<void>((resolve) => (listed = resolve))
  const first = pool.take('good', good.spec)
  hold = null
  release()
  await expect.poll(() => pool.sizes.get('good'), { timeout: 10_000 }).toBe(1)
  expect(first).not.toBeNull()
  expect(pool.take('good', good.spec)?.id).not.toBe(first?.id)
})

it('are not taken for leftovers by who has seen them wait', async () => {
  const owner = randomUUID()
  const pool = openPool(host, owner)
  await expect.poll(() => pool.sizes.get('good'), { timeout: 10_000 }).toBe(1)
  let id = ''
  const seen: ContainerHost = {
    ...host,
    async list(labels, signal) {
      const found = await host.list(labels, signal)
      id = pool.take('good', good.spec)?.id ?? ''
      await host.rename(id, `slipway-job-${randomUUID()}`, signal)
      return found.map((each) => ({ ...each, createdAt: new Date(0) }))
    },
  }
  await removeLeftovers(
    {
      host: seen,
      pool,
      owner,
      log,
      inHand: new Set(),
      secrets: {
        keep: async () => {},
        read: async () => null,
        drop: async () => {},
        list: async () => [],
      },
      delegations: { findUnfinished: async (ids) => ids },
    },
    new AbortController().signal,
  )
  expect(await host.find(id, new AbortController().signal)).toMatchObject({ state: 'created' })
})
