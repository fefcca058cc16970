import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDockerContainerHost } from '../../packages/server/src/adapters/container-host/docker/create-docker-container-host.ts'
import { createDockerImageEngine } from '../../packages/server/src/adapters/image-engine/docker/create-docker-image-engine.ts'
import type {
  ContainerHost,
  ContainerSpec,
} from '../../packages/server/src/ports/container-host.ts'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { busyboxFiles, type Dockerd, startDockerd } from '../support/dockerd.ts'
import { startPublicRegistry } from '../support/public-registry.ts'
import { startSlowRegistry } from '../support/slow-registry.ts'

const { signal } = new AbortController()
const image = 'jobs/shell:1'

let dockerd: Dockerd
let registry: DockerRegistry
let open: Awaited<ReturnType<typeof startPublicRegistry>>
let host: ContainerHost

beforeAll(async () => {
  dockerd = await startDockerd()
  registry = await startDockerRegistry()
  open = await startPublicRegistry(registry.host)
  await dockerd.importImage('shell:1', await busyboxFiles())
  const engine = createDockerImageEngine({ host: { kind: 'unix', socketPath: dockerd.socketPath } })
  const login = { ...registryUser, serverAddress: registry.host }
  const target = `${registry.host}/${image}`
  await engine.push({ image: 'shell:1', target, login }, { write() {}, progress() {} }, signal)
  await engine.close()
  host = createHost('missing')
})
afterAll(async () => {
  await host?.close()
  await dockerd?.close()
  await open?.close()
  await registry?.close()
})

function createHost(policy: 'missing' | 'never', timeoutMs = 30_000): ContainerHost {
  return createDockerContainerHost({
    host: { kind: 'unix', socketPath: dockerd.socketPath },
    pull: { policy, timeoutMs },
    logBytes: 1 << 20,
  })
}

function specOf(name: string): ContainerSpec {
  return {
    image: name,
    command: ['echo', 'pulled'],
    env: {},
    labels: {},
    workdir: null,
    user: null,
    mounts: [],
    network: 'none',
    idle: false,
    limits: { memoryBytes: null, cpus: null, pids: null, diskBytes: null },
  }
}

it('pulls an image that is missing, once for all who need it', async () => {
  const name = `${open.host}/${image}`
  const before = open.tokens()
  const all = await Promise.all([1, 2, 3].map(() => host.create(specOf(name), signal)))
  expect(open.tokens() - before).toBe(1)
  for (const id of all) {
    await host.start(id, { env: {} }, signal)
    expect(await host.wait(id, signal)).toMatchObject({ exitCode: 0 })
    await host.remove(id)
  }
})

it('pulls nothing where it may not', async () => {
  const other = createHost('never')
  await expect(other.create(specOf('nowhere/to-be-had:1'), signal)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('nowhere/to-be-had:1'),
  })
  await other.close()
})

it.each([
  ['of which the registry knows nothing', () => `${open.host}/jobs/unknown:1`],
  ['of which it does not know the tag', () => `${open.host}/jobs/shell:2`],
  ['whose name is none', () => `${open.host}/JOBS:1`],
])('says for good that there is no image %s', async (_, name) => {
  await expect(host.create(specOf(name()), signal)).rejects.toMatchObject({
    code: 'invalid_request',
  })
})

it('says of a registry that is away that it is', async () => {
  await expect(host.create(specOf('127.0.0.1:9/jobs/shell:1'), signal)).rejects.toMatchObject({
    code: 'unavailable',
  })
})

it('says of an engine that ends while it pulls that it is away', async () => {
  const slow = await startSlowRegistry()
  try {
    const created = host.create(specOf(`${slow.host}/jobs/slow:1`), signal)
    created.catch(() => {})
    await slow.asked
    await dockerd.kill()
    await expect(created).rejects.toMatchObject({ code: 'unavailable' })
  } finally {
    await dockerd.start()
    await slow.close()
  }
})

it('gives up an image that takes too long', async () => {
  const slow = createHost('missing', 1)
  await expect(slow.create(specOf(`${open.host}/jobs/slow:1`), signal)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('within'),
  })
  await slow.close()
})
