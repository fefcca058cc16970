import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type {
  ImageBuild,
  ImageEngine,
  ImageOutput,
} from '../../packages/server/src/ports/image-engine.ts'
import { registryUser, startDockerRegistry } from '../support/docker-registry.ts'
import { busybox, contextOf, fromBusybox } from '../support/dockerd.ts'
import { startFaultRegistry } from '../support/fault-registry.ts'
import { startFaultyProxy } from '../support/faulty-proxy.ts'
import { startPublicRegistry } from '../support/public-registry.ts'

export interface ImageEngineUnderTest {
  engine: ImageEngine
  /** Ids of all containers there are. */
  containers(): Promise<string[]>
  /** Ids of all images that have no name, intermediate ones included. */
  nameless(): Promise<string[]>
  dispose(): Promise<void>
}

const running = () => new AbortController().signal

/** What every engine must do. */
export function imageEngineSuite(name: string, make: () => Promise<ImageEngineUnderTest>): void {
  describe(`image engine: ${name}`, () => {
    let subject: ImageEngineUnderTest
    let engine: ImageEngine
    let shell: Buffer
    let registry: Awaited<ReturnType<typeof startDockerRegistry>>
    let count = 0
    const fresh = () => `suite-${++count}:1`

    beforeAll(async () => {
      shell = await busybox()
      registry = await startDockerRegistry()
      subject = await make()
      engine = subject.engine
    })
    afterAll(async () => {
      await engine?.close()
      await subject?.dispose()
      await registry?.close()
    })

    /** Remembers what is said. */
    function listen() {
      const output = {
        text: '',
        percents: [] as number[],
        write: (chunk: Buffer): void | Promise<void> => void (output.text += chunk.toString()),
        progress: (percent: number) => void output.percents.push(percent),
      }
      return output
    }

    const request = (dockerfile: string, more: Partial<ImageBuild> = {}): ImageBuild => ({
      context: contextOf({ Dockerfile: `${fromBusybox}\n${dockerfile}\n`, busybox: shell }),
      dockerfile: 'Dockerfile',
      image: fresh(),
      labels: {},
      args: {},
      platform: null,
      network: 'none',
      ...more,
    })

    async function built(dockerfile: string, more: Partial<ImageBuild> = {}, output = listen()) {
      const asked = request(dockerfile, more)
      const image = await engine.build(asked, output, running())
      onTestFinished(() => engine.remove(image.id).then(() => {}))
      return { name: asked.image, output, ...image }
    }

    const failing = (asked: ImageBuild, output: ImageOutput = listen()) =>
      engine.build(asked, output, running()).then(
        () => expect.fail('it was built'),
        (error: unknown) => error,
      )

    describe('build', () => {
      it('builds, prints what the lines print, and says how far it is', async () => {
        const image = await built('RUN echo printed; echo complained >&2\nCMD ["/bin/sh"]')
        expect(image.id).toMatch(/^sha256:[0-9a-f]{64}$/)
        expect(image.sizeBytes).toBeGreaterThanOrEqual(shell.length)
        expect(image.output.text).toMatch(/^printed$/m)
        expect(image.output.text).toMatch(/^complained$/m)
        expect(image.output.text).toContain('RUN echo printed')
        const { percents } = image.output
        expect(percents.at(-1)).toBe(100)
        expect(percents).toEqual(percents.toSorted((a, b) => a - b))
        expect(await engine.find(image.name, running())).toMatchObject({
          id: image.id,
          names: [image.name],
        })
        expect(await subject.containers()).toEqual([])
      })

      it('gives arguments to the lines that declare them, and labels to the image', async () => {
        const labels = { 'org.opencontainers.image.revision': 'a"b', 'io.slipway.build': '7' }
        const args = { COLOUR: 'blue & "green"', UNUSED: 'x' }
        const image = await built('ARG COLOUR\nARG SIZE=large\nRUN echo "$COLOUR-$SIZE"', {
          labels,
          args,
        })
        expect(image.output.text).toMatch(/^blue & "green"-large$/m)
        expect((await engine.find(image.id, running()))?.labels).toMatchObject(labels)
      })

      it('takes the Dockerfile that it is told', async () => {
        const context = contextOf({
          'docker/prod.Dockerfile': `${fromBusybox}\nRUN echo of production`,
          busybox: shell,
        })
        const image = await built('', { context, dockerfile: 'docker/prod.Dockerfile' })
        expect(image.output.text).toContain('of production')
      })

      it('builds for the platform that it is told', async () => {
        const context = contextOf({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /' })
        const image = await built('', { context, platform: 'linux/arm64' })
        expect(image.id).toMatch(/^sha256:/)
      })

      it('fails where a line fails, and leaves nothing', async () => {
        const before = await subject.nameless()
        const asked = request('RUN echo the last words; exit 7')
        const output = listen()
        expect(await failing(asked, output)).toMatchObject({
          code: 'invalid_request',
          message: expect.stringMatching(/exit 7.*\b7\b/s),
        })
        expect(output.text).toMatch(/^the last words$/m)
        expect(await engine.find(asked.image, running())).toBeNull()
        expect(await subject.containers()).toEqual([])
        expect(await subject.nameless()).toEqual(before)
      })

      it.each([
        ['no Dockerfile', { readme: 'x' }, 'Dockerfile'],
        ['a Dockerfile with an error', { Dockerfile: 'FROM scratch\nBAKE a cake' }, 'BAKE'],
        ['a file that is not there', { Dockerfile: 'FROM scratch\nCOPY missing /' }, 'missing'],
        ['an empty Dockerfile', { Dockerfile: '' }, 'empty'],
      ])('refuses %s', async (_, files, word) => {
        const error = await failing(request('', { context: contextOf(files) }))
        expect(error).toMatchObject({
          code: 'invalid_request',
          message: expect.stringContaining(word),
        })
      })

      it('refuses a base image that nobody has', async () => {
        const context = contextOf({ Dockerfile: 'FROM 127.0.0.1:1/nobody/has:it\n' })
        expect(await failing(request('', { context }))).toMatchObject({
          message: expect.stringMatching(/127\.0\.0\.1:1.*nobody\/has/),
        })
      })

      it('hands on why the context cannot be read', async () => {
        const reason = new Error('unreadable')
        const context = Readable.from(
          (async function* () {
            yield Buffer.alloc(512)
            throw reason
          })(),
          { objectMode: false },
        )
        expect(await failing(request('', { context }))).toBe(reason)
        expect(await subject.containers()).toEqual([])
      })

      it('ends what it was doing when it is aborted', async () => {
        const stop = new AbortController()
        const output = listen()
        const begun = new Promise<void>((resolve) => {
          output.write = (chunk) => {
            if (/^begun$/m.test(chunk.toString())) resolve()
          }
        })
        const mark = randomUUID()
        const asked = request(`RUN echo begun; sleep 3600; echo ${mark}`)
        const building = engine.build(asked, output, stop.signal)
        await Promise.race([begun, building])
        stop.abort(new Error('enough'))
        await expect(building).rejects.toThrow('enough')
        await expect.poll(() => runs(mark)).toBe(false)
        await expect.poll(() => subject.containers()).toEqual([])
        expect(await engine.find(asked.image, running())).toBeNull()
      })

      it('does nothing when it is aborted before', async () => {
        const asked = request('RUN true')
        const signal = AbortSignal.abort(new Error('too late'))
        await expect(engine.build(asked, listen(), signal)).rejects.toThrow('too late')
        expect(asked.context.destroyed).toBe(true)
      })

      it('holds the engine back while its output is not taken', async () => {
        let open = () => {}
        const gate = new Promise<void>((resolve) => (open = resolve))
        const output = listen()
        const { write } = output
        let waiting = 0
        let most = 0
        output.write = async (chunk) => {
          most = Math.max(most, ++waiting)
          await gate
          waiting--
          await write(chunk)
        }
        const asked = request('RUN for i in $(seq 200); do echo "line $i"; done')
        const building = engine.build(asked, output, running())
        await expect.poll(() => most).toBe(1)
        open()
        onTestFinished(() => engine.remove(asked.image).then(() => {}))
        await building
        expect(most).toBe(1)
        expect(output.text).toMatch(/^line 200$/m)
      })

      it('bounds what a line prints without an end', async () => {
        const output = listen()
        let bytes = 0
        output.write = (chunk) => void (bytes += chunk.length)
        await built('RUN head -c 100000000 /dev/zero | tr "\\0" "x" | fold -w 100', {}, output)
        expect(bytes).toBeGreaterThan(1_000)
        expect(bytes).toBeLessThan(110_000_000)
      })

      it('runs several at once', async () => {
        const images = await Promise.all([1, 2, 3].map((n) => built(`RUN echo number ${n}`)))
        expect(new Set(images.map(({ id }) => id)).size).toBe(3)
        images.forEach(({ output }, n) => expect(output.text).toContain(`number ${n + 1}`))
      })
    })

    describe('push', () => {
      const login = () => ({ ...registryUser, serverAddress: registry.host })
      const target = () => `${registry.host}/team/${randomUUID()}:v1`
      const asUser = `Basic ${Buffer.from(`${registryUser.username}:${registryUser.password}`).toString('base64')}`

      it('puts the image into the registry and answers the digest that it has there', async () => {
        const image = await built('RUN echo pushed > /pushed')
        const to = target()
        const output = listen()
        const { digest } = await engine.push(
          { image: image.name, target: to, login: login() },
          output,
          running(),
        )
        const [, path, tag] = /^[^/]+\/(.+):(v1)$/.exec(to) ?? []
        const head = await fetch(`http://${registry.host}/v2/${path}/manifests/${tag}`, {
          method: 'HEAD',
          headers: {
            authorization: asUser,
            accept:
              'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json',
          },
        })
        expect(head.status).toBe(200)
        expect(digest).toBe(head.headers.get('docker-content-digest'))
        expect(output.text).toContain('Pushed')
        expect(output.percents.at(-1)).toBe(100)
        // It had the other name for the push only.
        expect((await engine.find(image.id, running()))?.names).toEqual([image.name])
        expect(await engine.remove(image.name)).toBe(true)
        expect(await engine.find(image.id, running())).toBeNull()
      })

      it.each([
        ['a wrong login', { ...registryUser, password: 'wrong' }],
        ['no login', null],
      ])('is refused with %s', async (_, given) => {
        const image = await built('RUN true')
        const to = target()
        const wrong = given === null ? null : { ...given, serverAddress: registry.host }
        const pushing = engine.push(
          { image: image.name, target: to, login: wrong },
          listen(),
          running(),
        )
        await expect(pushing).rejects.toMatchObject({ code: 'authorization_failed' })
        expect(await engine.find(to, running())).toBeNull()
      })

      it('fails when the registry dies on the way', async () => {
        const dying = await startFaultRegistry(({ method, url }) =>
          method === 'PUT' && url.includes('/manifests/') ? 'cut' : null,
        )
        onTestFinished(() => dying.close())
        const image = await built('RUN true')
        const to = `${dying.host}/team/x:v1`
        const output = listen()
        const pushing = engine.push(
          { image: image.name, target: to, login: null },
          output,
          running(),
        )
        await expect(pushing).rejects.toMatchObject({ code: 'unavailable' })
        expect(dying.blobs.size).toBeGreaterThan(0)
        expect(output.text).toContain('Pushed')
        expect((await engine.find(image.id, running()))?.names).toEqual([image.name])
      })

      it('fails where there is no registry, and for an image that is not there', async () => {
        const image = await built('RUN true')
        const nowhere = { image: image.name, target: '127.0.0.1:1/a/b:c', login: null }
        await expect(engine.push(nowhere, listen(), running())).rejects.toMatchObject({
          code: 'unavailable',
        })
        const missing = { image: 'never-built:1', target: target(), login: login() }
        await expect(engine.push(missing, listen(), running())).rejects.toMatchObject({
          code: 'resource_not_found',
        })
      })

      it('stops when it is aborted', async () => {
        const proxy = await startFaultyProxy(registry.host)
        onTestFinished(() => proxy.close())
        proxy.mode = 'hang'
        const image = await built('RUN true')
        const stop = new AbortController()
        const hung = proxy.nextHung()
        const request = {
          image: image.name,
          target: `${proxy.host}/team/x:v1`,
          login: { ...registryUser, serverAddress: proxy.host },
        }
        const pushing = engine.push(request, listen(), stop.signal)
        await hung
        stop.abort(new Error('enough'))
        await expect(pushing).rejects.toThrow('enough')
        expect((await engine.find(image.id, running()))?.names).toEqual([image.name])
      })

      it('lets no build at the login', async () => {
        const image = await built('RUN true')
        const to = target()
        await engine.push({ image: image.name, target: to, login: login() }, listen(), running())
        await engine.remove(image.id)
        const context = contextOf({ Dockerfile: `FROM ${to}\n` })
        expect(await failing(request('', { context }))).toMatchObject({
          code: 'invalid_request',
          message: expect.stringMatching(/\b401\b|authoriz|credentials/i),
        })
      })

      it('lets a build have what a registry gives to everybody', async () => {
        const open = await startPublicRegistry(registry.host)
        onTestFinished(() => open.close())
        const base = await built('RUN echo from the base > /base')
        const to = target()
        await engine.push({ image: base.name, target: to, login: login() }, listen(), running())
        await engine.remove(base.id)
        const context = contextOf({
          Dockerfile: `FROM ${to.replace(registry.host, open.host)}\nSHELL ["/bin/busybox", "sh", "-c"]\nRUN cat /base`,
        })
        const image = await built('', { context })
        expect(image.output.text).toMatch(/^from the base$/m)
        expect(open.tokens()).toBeGreaterThan(0)
      })
    })

    describe('find, remove and list', () => {
      it('removes an image once, and says so', async () => {
        const image = await built('RUN true')
        expect(await engine.remove(image.name)).toBe(true)
        expect(await engine.remove(image.name)).toBe(false)
        expect(await engine.find(image.name, running())).toBeNull()
        expect(await engine.remove('sha256:'.padEnd(71, '0'))).toBe(false)
      })

      it('finds images by a label', async () => {
        const mark = `io.slipway.test.${randomUUID()}`
        const image = await built('RUN true', { labels: { [mark]: '1' } })
        await built('RUN true')
        expect(await engine.list(mark)).toEqual([
          { id: image.id, names: [image.name], labels: { [mark]: '1' } },
        ])
        expect(await engine.list(`${mark}.not`)).toEqual([])
      })

      it('can be reached', () => expect(engine.check()).resolves.toBeUndefined())
    })
  })
}

/** Whether a process has this in its command line. */
async function runs(mark: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(mark)) return true
  }
  return false
}
