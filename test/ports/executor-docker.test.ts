import { rename, rm, symlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createDockerExecutor } from '../../packages/server/src/adapters/executor/docker/create-docker-executor.ts'
import { busyboxFiles, dashFiles, startDockerd } from '../support/dockerd.ts'
import { startRefusingEngine } from '../support/refusing-engine.ts'
import { startSlowRegistry } from '../support/slow-registry.ts'
import { type ExecutorWorld, makeExecutorWorld } from './executor-world.ts'
import { executorSuite } from './executor.suite.ts'

const log = pino({ level: 'silent' })
const image = 'steps:1'
const dockerd = await startDockerd()
const { socketPath } = dockerd
await dockerd.importImage(image, await busyboxFiles(), ['ENV OF_IMAGE=1'])
afterAll(() => dockerd.close())

const make = (stateDir: string) =>
  createDockerExecutor({
    host: { kind: 'unix', socketPath },
    stateDir,
    pull: { policy: 'never', timeoutMs: 1_000 },
    log,
  })

await dockerd.importImage('plain:1', await busyboxFiles(await dashFiles()))
executorSuite('docker', make, {
  isolated: true,
  memory: true,
  pids: true,
  image: 'plain:1',
  parent: [
    '--conditions=@slipway/source',
    '--import',
    'tsx',
    fileURLToPath(new URL('executor-docker-parent.ts', import.meta.url)),
    socketPath,
  ],
})

describe('executor: docker, its containers', () => {
  let world: ExecutorWorld
  beforeEach(async () => {
    world = await makeExecutorWorld(make, image)
  })
  afterEach(async () => {
    await world.close()
    expect(await dockerd.ask('/containers/json?all=1')).toEqual([])
  })

  it('keep the environment of their image', async () => {
    expect((await world.sh('echo "$OF_IMAGE $PATH"')).output).toMatch(/^1 \/.*\/bin/)
  })

  it('are none without an image, or with one that is missing', async () => {
    await expect(world.start(['true'], { image: null })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(world.start(['true'], { image: 'no/such:1' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('no/such:1'),
    })
  })

  it('are refused variables that no shell can set', async () => {
    await expect(world.start(['true'], { env: { 'a-b': '1' } })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('a-b'),
    })
  })

  it('do not show what their commands are told', async () => {
    const started = await world.start(['sh', '-c', 'echo up; sleep 60'], {
      env: { PASSWORD: 'correct-horse' },
    })
    await started.said('up')
    const [found] = await dockerd.ask<{ Id: string }[]>('/containers/json')
    const shown = JSON.stringify(await dockerd.ask(`/containers/${found?.Id}/json`))
    expect(shown).toContain('sleep 60')
    expect(shown).not.toContain('correct-horse')
    started.stop(0)
    await started.done
  })

  it('open without an engine, and start nothing', async () => {
    const executor = createDockerExecutor({
      host: { kind: 'unix', socketPath: `${world.stateDir}/nobody.sock` },
      stateDir: `${world.stateDir}-away`,
      pull: { policy: 'never', timeoutMs: 1_000 },
      log,
    })
    await executor.open()
    await expect(executor.check()).rejects.toMatchObject({ code: 'unavailable' })
    await expect(executor.start(world.spec(['true']), { write() {} })).rejects.toMatchObject({
      code: 'unavailable',
    })
    await executor.close()
  })

  it('open where the engine lists nothing, say so, and start once it does', async () => {
    const path = `${world.stateDir}-refusing.sock`
    const refusing = await startRefusingEngine(path)
    onTestFinished(() => refusing.close())
    onTestFinished(() => rm(path, { force: true }))
    const executor = createDockerExecutor({
      host: { kind: 'unix', socketPath: path },
      stateDir: `${world.stateDir}-refused`,
      pull: { policy: 'never', timeoutMs: 1_000 },
      log,
    })
    await executor.open()
    const away = {
      code: 'unavailable',
      message: expect.stringContaining('refuses to list containers (404: page not found)'),
    }
    await expect(executor.check()).rejects.toMatchObject(away)
    const spec = world.spec(['true'])
    await expect(executor.start(spec, { write() {} })).rejects.toMatchObject(away)
    await refusing.close()
    await symlink(socketPath, path)
    await executor.check()
    const execution = await executor.start(spec, { write() {} })
    await expect(execution.done).resolves.toMatchObject({ exitCode: 0 })
    await executor.close()
  })

  it('are not waited for while their image is pulled, once nobody wants them', async () => {
    const slow = await startSlowRegistry()
    onTestFinished(() => slow.close())
    const executor = createDockerExecutor({
      host: { kind: 'unix', socketPath },
      stateDir: `${world.stateDir}-pulls`,
      pull: { policy: 'missing', timeoutMs: 60_000 },
      log,
    })
    await executor.open()
    const spec = (id: string) => world.spec(['true'], { id, image: `${slow.host}/jobs/slow:1` })
    const wanted = new AbortController()
    const given = executor.start(spec('given-up'), { write() {} }, wanted.signal)
    given.catch(() => {})
    await slow.asked
    wanted.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    const starting = executor.start(spec('closed'), { write() {} })
    starting.catch(() => {})
    await executor.close()
    await expect(starting).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('are left alone by a server of another machine, whose directory has the same path', async () => {
    const started = await world.start(['sh', '-c', 'echo up; sleep 60'])
    await started.said('up')
    const elsewhere = `${world.stateDir}-elsewhere`
    await rename(world.stateDir, elsewhere)
    const other = make(world.stateDir)
    await other.open()
    await other.close()
    await rm(world.stateDir, { recursive: true })
    await rename(elsewhere, world.stateDir)
    expect(await dockerd.ask('/containers/json')).toHaveLength(1)
    started.stop(0)
    expect(await started.done).toMatchObject({ outcome: 'stopped' })
  })

  it('end as failed when the engine goes away', async () => {
    const started = await world.start(['sh', '-c', 'echo up; sleep 60'])
    await started.said('up')
    await dockerd.kill()
    await dockerd.start()
    expect(await started.done).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('went away'),
    })
    expect((await world.sh('echo again')).output).toBe('again\n')
  })
})
