// kill -9 of a server that builds or pushes an image: the build goes on, and no image stays that nobody knows of.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Build } from '@slipway/contract/builds'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { busybox, type Dockerd, fromBusybox, startDockerd } from '../support/dockerd.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { createRepository } from '../support/git-repository.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let dockerd: Dockerd
let registry: DockerRegistry
let proxy: FaultyProxy
let repositoryId: number
let registryId: number
let commit: string
beforeAll(async () => {
  registry = await startDockerRegistry()
  proxy = await startFaultyProxy(registry.host)
  dockerd = await startDockerd()
  server = await startTestServer({
    DOCKER_HOST: dockerd.host,
    OCI_PLAIN_HTTP: proxy.host,
    SLIPWAY_BUILD_NETWORK: 'none',
  })
  const repository = await createRepository(server.repositories, 'acme/shop')
  await writeFile(join(repository.directory, 'busybox'), await busybox(), { mode: 0o755 })
  await repository.git('add', 'busybox')
  // Something else each time, so that the engine remembers nothing of it.
  const waits = 'RUN /bin/busybox echo waiting for $WAIT && /bin/busybox sleep $WAIT'
  commit = await repository.commit({
    Dockerfile: [fromBusybox, 'ARG WAIT', 'COPY . /app', waits, ''].join('\n'),
  })
  repositoryId = await make('repositories', {
    name: 'acme/shop',
    repository_url: `file://${repository.directory}`,
  })
  registryId = await make('registries', {
    name: 'ours',
    registry_type: 'generic',
    registry_url: proxy.host,
    credential_id: await make('credentials', {
      name: 'ours',
      credential_type: 'registry_generic',
      credential_data: {
        username: registryUser.username,
        password_or_token: registryUser.password,
      },
    }),
  })
}, 60_000)
afterAll(async () => {
  await server?.close()
  await dockerd?.close()
  await proxy?.close()
  await registry?.close()
})

async function make(things: string, body: object): Promise<number> {
  const answer = await server.json<Record<string, { id: number }>>('POST', `/api/${things}`, {
    body,
  })
  return Object.values(answer).find((value) => typeof value === 'object')?.id ?? 0
}

const runs = '/api/pipelines/runs'

/** Makes a build and begins it; `wait` is for so many seconds in the middle of its image. */
async function begin(steps: string[], wait: string): Promise<number> {
  const body = {
    steps_to_execute: ['clone_repo', 'create_zip', 'build_image', ...steps],
    git_repository_id: repositoryId,
    output_type: 'both',
    build_args: { WAIT: wait },
    ...(steps.length === 0 ? {} : { registry_id: registryId }),
  }
  const { pipeline_run: build } = await server.json<{ pipeline_run: Build }>('POST', runs, { body })
  await server.json('POST', `${runs}/${build.id}/execute?wait=false`, { expect: 202 })
  return build.id
}

const show = async (id: number) =>
  (await server.json<{ pipeline_run: Build }>('GET', `${runs}/${id}`)).pipeline_run

async function ended(id: number): Promise<Build> {
  await expect.poll(async () => (await show(id)).completed_at, { timeout: 60_000 }).not.toBeNull()
  return show(id)
}

/** Images of a build at the engine, with or without a name. */
async function imagesOf(id: number): Promise<string[]> {
  const filters = JSON.stringify({ label: [`io.slipway.build=${id}`] })
  const images = await dockerd.ask<{ Id: string }[]>(
    `/images/json?all=false&filters=${encodeURIComponent(filters)}`,
  )
  return images.map(({ Id }) => Id)
}

describe('kill -9 of the server', () => {
  it('while it builds an image leads to another attempt, and one image', async () => {
    const id = await begin([], '3')
    await expect
      .poll(async () => (await show(id)).logs, { timeout: 30_000 })
      .toMatch(/\] waiting for 3\n/)
    await server.kill()
    await server.restart()
    const build = await ended(id)
    expect(build).toMatchObject({ status: 'completed', attempt: 2, commit_sha: commit })
    expect(build.build_outputs.map(({ output_type: type }) => type)).toEqual([
      'zip',
      'docker_image',
    ])
    await expect.poll(() => imagesOf(id)).toHaveLength(1)
  }, 120_000)

  it('while it pushes leads to another attempt, and no image here', async () => {
    proxy.mode = 'hang'
    const hung = proxy.nextHung()
    const id = await begin(['push_registry'], '0')
    await hung
    expect(await imagesOf(id)).toHaveLength(1)
    await server.kill()
    proxy.mode = 'pass'
    await server.restart()
    const build = await ended(id)
    expect(build).toMatchObject({ status: 'completed', attempt: 2, error: null })
    const [, image] = build.build_outputs
    expect(image?.image_url).toContain(`${proxy.host}/shop-custom:`)
    expect(image).toMatchObject({
      image_digest: expect.stringMatching(/^sha256:/),
      expires_at: null,
    })
    await expect.poll(() => imagesOf(id)).toEqual([])
  }, 120_000)
})

describe('a push that never ends', () => {
  it('is cancelled with the build, whose image and archive go', async () => {
    proxy.mode = 'hang'
    const hung = proxy.nextHung()
    const id = await begin(['push_registry'], '0.1')
    await hung
    await server.json('POST', `${runs}/${id}/cancel`, { expect: 200 })
    proxy.mode = 'pass'
    const build = await ended(id)
    expect(build).toMatchObject({ failure_reason: 'cancelled', build_outputs: [] })
    await expect.poll(() => imagesOf(id), { timeout: 20_000 }).toEqual([])
  }, 120_000)
})
