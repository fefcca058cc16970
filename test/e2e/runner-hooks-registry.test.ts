// Images that only some may have, and what becomes of jobs whose proxy has gone.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDockerImageEngine } from '../../packages/server/src/adapters/image-engine/docker/create-docker-image-engine.ts'
import { endSilent } from '../../packages/server/src/runners/hooks/end-silent.ts'
import { nothing, shellImage } from '../support/delegations.ts'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { createRunnersApp, documentedJob, runnerClass } from '../support/runners-app.ts'
import { type HookPlace, startHookPlace } from '../support/runner-hooks.ts'

vi.setConfig({ testTimeout: 120_000 })

let registry: DockerRegistry
let place: HookPlace
let image: string
beforeAll(async () => {
  registry = await startDockerRegistry()
  place = await startHookPlace({}, [], { SLIPWAY_PULL_IMAGES: 'true' })
  image = `${registry.host}/acme/private:1`
  const { socketPath } = place.dockerd
  const images = createDockerImageEngine({ host: { kind: 'unix', socketPath } })
  const output = { write() {}, progress() {} }
  const login = { ...registryUser, serverAddress: registry.host }
  const signal = AbortSignal.timeout(30_000)
  await images.push({ image: shellImage, target: image, login }, output, signal)
  await images.close()
  // A push leaves its name behind.
  await place.dockerd.ask(`/images/${encodeURIComponent(image)}`, 'DELETE').catch(() => {})
})
afterAll(async () => {
  await place?.close()
  await registry?.close()
})

it('pulls as whom the workflow names, for jobs, services and actions', async () => {
  const known = { ...registryUser, serverUrl: registry.host }
  const refused = await place.prepare({ image, registry: { ...known, password: 'another one' } })
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/slipway: The registry does not give out|unauthorized/)
  const withoutLogin = await place.prepare({ image })
  expect(withoutLogin.code).toBe(1)

  const service = {
    contextName: 'db',
    image,
    registry: known,
    entryPoint: 'sleep',
    entryPointArgs: ['99'],
  }
  const ready = await place.prepare({ image, registry: known }, [service])
  expect(ready).toMatchObject({ code: 0, stderr: '' })
  const said = [refused, withoutLogin, ready].map(({ stdout, stderr }) => stdout + stderr).join('')
  expect(said + place.server.output.join('')).not.toContain(registryUser.password)
  const state = ready.response?.state
  const args = { image, registry: known, entryPoint: 'true', systemMountVolumes: [] }
  expect(await place.run('run_container_step', { state, args })).toMatchObject({ code: 0 })
  expect(await place.run('cleanup_job', { state })).toMatchObject({ code: 0 })
  await expect.poll(() => place.left(), { timeout: 20_000 }).toEqual(nothing)
})

it('loses the jobs of proxies that are silent, and of no others', async () => {
  const app = await createRunnersApp({
    classes: [runnerClass({ image: 'shell:1', network: 'internal' })],
  })
  try {
    app.start()
    const hooked = { ...documentedJob, container: {} }
    const age = (id: string) =>
      sql`update delegations set updated_at = now() - interval '20 minutes' where id = ${id}::uuid`.execute(
        app.database.db,
      )
    const begin = async (body: Record<string, unknown>) => {
      const id = await app.delegate(body)
      const job = await app.take()
      await job.begin()
      await job.run('a-container')
      await age(id)
      return id
    }
    const gone = await begin({ ...hooked, runId: '1', runnerName: 'gone' })
    const beating = await begin({ ...hooked, runId: '2', runnerName: 'beating' })
    const complete = await begin({ ...hooked, runId: '3', runnerName: 'complete' })
    const own = await begin({ ...documentedJob, runId: '4', runnerName: 'gone' })
    await app.database.db
      .updateTable('runners')
      .set({ last_heartbeat: sql<Date>`now() - interval '20 minutes'` })
      .where('name', 'in', ['gone', 'complete'])
      .execute()
    await app.database.db
      .updateTable('delegations')
      .set({ proxy_status: 'completed' })
      .where('id', '=', complete)
      .execute()
    const before = new Date(Date.now() - 15 * 60_000)
    const { signal } = new AbortController()
    expect(await endSilent(app.runners, { before, signal })).toBe(2)
    expect(await app.show(gone)).toMatchObject({ status: 'failed', metadata: { reason: 'lost' } })
    expect(await app.show(complete)).toMatchObject({ status: 'completed' })
    expect((await app.show(beating)).status).toBe('running')
    expect((await app.show(own)).status).toBe('running')
    expect(app.stopped).toHaveLength(2)
    expect(await endSilent(app.runners, { before, signal })).toBe(0)
  } finally {
    await app.close()
  }
})
