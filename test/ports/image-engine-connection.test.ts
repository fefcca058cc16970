import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDockerImageEngine } from '../../packages/server/src/adapters/image-engine/docker/create-docker-image-engine.ts'
import type { DockerOptions } from '../../packages/server/src/docker/index.ts'
import type { ImageBuild, ImageEngine } from '../../packages/server/src/ports/image-engine.ts'
import { busybox, contextOf, type Dockerd, fromBusybox, startDockerd } from '../support/dockerd.ts'
import { openTcpDoor, openTlsDoor } from '../support/engine-doors.ts'

let dockerd: Dockerd
let shell: Buffer
beforeAll(async () => {
  shell = await busybox()
  dockerd = await startDockerd()
})
afterAll(() => dockerd?.close())

const running = () => new AbortController().signal
const atPort = (port: number) => ({ kind: 'tcp', host: '127.0.0.1', port }) as const

function open(options: DockerOptions): ImageEngine {
  const engine = createDockerImageEngine(options)
  onTestFinished(() => engine.close())
  return engine
}

let serial = 0
const request = (dockerfile: string, more: Partial<ImageBuild> = {}): ImageBuild => ({
  context: contextOf({ Dockerfile: `${fromBusybox}\n${dockerfile}\n`, busybox: shell }),
  dockerfile: 'Dockerfile',
  image: `connection-${++serial}:1`,
  labels: {},
  args: {},
  platform: null,
  network: 'default',
  ...more,
})

function listen() {
  const output = {
    text: '',
    percents: [] as number[],
    write: (chunk: Buffer) => void (output.text += chunk.toString()),
    progress: (percent: number) => void output.percents.push(percent),
  }
  return output
}

async function build(engine: ImageEngine, asked: ImageBuild, signal = running()) {
  const output = listen()
  const image = await engine.build(asked, output, signal)
  onTestFinished(() => engine.remove(image.id).then(() => {}))
  return { ...image, output }
}

describe('the way to the engine', () => {
  it('is TCP', async () => {
    const door = await openTcpDoor(dockerd.socketPath)
    onTestFinished(() => door.close())
    const { output } = await build(open({ host: atPort(door.port) }), request('RUN echo by TCP'))
    expect(output.text).toMatch(/^by TCP$/m)
  })

  it('is TLS, and either end has to be who it says', async () => {
    const door = await openTlsDoor(dockerd.socketPath)
    onTestFinished(() => door.close())
    const host = atPort(door.port)
    const tls = door.certificates
    const { output } = await build(open({ host, tls }), request('RUN echo by TLS'))
    expect(output.text).toMatch(/^by TLS$/m)
    const other = await openTlsDoor(dockerd.socketPath)
    onTestFinished(() => other.close())
    const stranger = open({ host: atPort(other.port), tls })
    await expect(stranger.check()).rejects.toMatchObject({ code: 'unavailable' })
    const unknown = open({ host, tls: { ...other.certificates, ca: tls.ca } })
    await expect(unknown.check()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('may lead nowhere: then every call says so, and what to do', async () => {
    const engine = open({ host: { kind: 'unix', socketPath: '/run/slipway-no-such.sock' } })
    const away = {
      code: 'unavailable',
      message: expect.stringMatching(/unix:\/\/\/run\/slipway-no-such\.sock.*DOCKER_HOST/),
    }
    const asked = request('RUN true')
    await expect(engine.check()).rejects.toMatchObject(away)
    await expect(engine.build(asked, listen(), running())).rejects.toMatchObject(away)
    expect(asked.context.destroyed).toBe(true)
    await expect(engine.remove('x:1')).rejects.toMatchObject(away)
    await expect(engine.list('x')).rejects.toMatchObject(away)
    await expect(engine.find('x:1', running())).rejects.toMatchObject(away)
    const push = { image: 'x:1', target: 'a.test/x:1', login: null }
    await expect(engine.push(push, listen(), running())).rejects.toMatchObject(away)
  })

  it('may break in the middle of a build', async () => {
    const door = await openTcpDoor(dockerd.socketPath)
    onTestFinished(() => door.close())
    const engine = open({ host: atPort(door.port) })
    const output = listen()
    output.write = (chunk) => {
      if (/^begun$/m.test(chunk.toString())) door.cut()
    }
    const asked = request('RUN echo begun; sleep 3600')
    await expect(engine.build(asked, output, running())).rejects.toMatchObject({
      code: 'unavailable',
    })
    await expect.poll(() => dockerd.ask('/containers/json?all=1')).toEqual([])
    // Nothing of it is remembered.
    await expect(engine.check()).resolves.toBeUndefined()
  })

  it.each<[string, RequestListener, RegExp]>([
    ['an engine that is too old', (_, to) => to.setHeader('api-version', '1.24').end(), /1\.24/],
    ['something else', (_, to) => to.end('<html>'), /does not answer as Docker/],
    ['one that refuses', (_, to) => to.writeHead(503).end('{"message":"starting"}'), /starting/],
  ])('does not lead to %s', async (_, listener, message) => {
    const server = createServer(listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => server.close().closeAllConnections())
    const engine = open({ host: atPort((server.address() as AddressInfo).port) })
    await expect(engine.check()).rejects.toThrow(message)
  })

  it('ends with the engine’s adapter', async () => {
    const engine = createDockerImageEngine({
      host: { kind: 'unix', socketPath: dockerd.socketPath },
    })
    const output = listen()
    const begun = new Promise<void>((resolve) => {
      output.write = (chunk) => {
        if (/^begun$/m.test(chunk.toString())) resolve()
      }
    })
    const building = engine.build(request('RUN echo begun; sleep 3600'), output, running())
    await Promise.race([begun, building])
    await engine.close()
    await expect(building).rejects.toMatchObject({ code: 'unavailable' })
    await expect.poll(() => dockerd.ask('/containers/json?all=1')).toEqual([])
  })
})

describe('an engine without BuildKit', () => {
  async function classic(): Promise<ImageEngine> {
    const door = await openTcpDoor(dockerd.socketPath, { withoutSessions: true })
    onTestFinished(() => door.close())
    return open({ host: atPort(door.port) })
  }
  const nameless = async () => {
    const all = await dockerd.ask<{ RepoTags: string[] | null }[]>(
      '/images/json?filters={"dangling":["true"]}',
    )
    return all.length
  }

  it('builds', async () => {
    const engine = await classic()
    const image = await build(
      engine,
      request('ARG WHAT\nRUN echo "classic $WHAT"', {
        args: { WHAT: 'build' },
        labels: { a: 'b' },
      }),
    )
    expect(image.output.text).toMatch(/^classic build$/m)
    expect(image.output.text).toMatch(/^Step \d+\/\d+ :/m)
    const { percents } = image.output
    expect(percents.at(-1)).toBe(100)
    expect(percents.length).toBeGreaterThan(2)
    expect((await engine.find(image.id, running()))?.labels).toMatchObject({ a: 'b' })
  })

  it('fails where a line fails, and leaves no container and no image', async () => {
    const engine = await classic()
    const before = await nameless()
    const asked = request('RUN echo done > /done\nRUN echo the last words; exit 7')
    await expect(engine.build(asked, listen(), running())).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(await dockerd.ask('/containers/json?all=1')).toEqual([])
    expect(await nameless()).toBe(before)
  })

  it('stops, and leaves no container and no image', async () => {
    const engine = await classic()
    const before = await nameless()
    const stop = new AbortController()
    const output = listen()
    const begun = new Promise<void>((resolve) => {
      output.write = (chunk) => {
        if (/^begun$/m.test(chunk.toString())) resolve()
      }
    })
    const asked = request('RUN echo done > /done\nRUN echo begun; sleep 3600')
    const building = engine.build(asked, output, stop.signal)
    await Promise.race([begun, building])
    stop.abort(new Error('enough'))
    await expect(building).rejects.toThrow('enough')
    await expect.poll(() => dockerd.ask('/containers/json?all=1')).toEqual([])
    await expect.poll(nameless).toBe(before)
  })
})
