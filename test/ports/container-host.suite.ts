import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type {
  ContainerHost,
  ContainerLimits,
  ContainerSpec,
} from '../../packages/server/src/ports/container-host.ts'
import { containerHostEndSuite } from './container-host-end.suite.ts'
import { containerHostFaultsSuite } from './container-host-faults.suite.ts'
import { containerHostLacksSuite } from './container-host-lacks.suite.ts'

/** What a host may do without: it is refused then, and says so. */
export type HostFeature =
  | 'further commands'
  | 'pause'
  | 'measure'
  | 'rename'
  | 'mounts'
  | 'own networks'
  | 'own command'
  | 'pids limit'
  /** Containers end with their engine. */
  | 'engine of their own'

export interface ContainerHostUnderTest {
  host: ContainerHost
  /** What containers are beside what every host knows. */
  more?: Partial<ContainerSpec>
  /** With busybox's commands in /bin, and no command of its own. */
  image: string
  /** The same with an entrypoint `echo own`, a command `command`, and a volume at /data. */
  ownCommand: string
  /** Without a shell. */
  bare: string
  /** All that the engine shows of a container, as text. */
  inspect(id: string): Promise<string>
  /** What there is: containers, networks of ours, volumes. */
  count(): Promise<{ containers: number; networks: number; volumes: number }>
  /** Removes a container without the host. */
  removeByHand(id: string): Promise<void>
  /** Kills the engine; `start` brings it back. */
  kill(): Promise<void>
  start(): Promise<void>
  dispose(): Promise<void>
}

export interface ContainerHostWorld extends ContainerHostUnderTest {
  signal: AbortSignal
  spec(script: string, more?: Partial<ContainerSpec>): ContainerSpec
  /** Creates and starts one. */
  run(script: string, more?: Partial<ContainerSpec>, env?: Record<string, string>): Promise<string>
  /** Its whole output, once it has ended. */
  output(id: string): Promise<string>
}

const noLimits: ContainerLimits = { memoryBytes: null, cpus: null, pids: null, diskBytes: null }

/** What every host of containers must do. */
export function containerHostSuite(
  name: string,
  make: () => Promise<ContainerHostUnderTest>,
  lacks: readonly HostFeature[] = [],
): void {
  const has = (feature: HostFeature) => !lacks.includes(feature)

  describe(`container host: ${name}`, () => {
    let world: ContainerHostWorld
    const ours = { 'io.slipway.test': randomUUID() }

    beforeAll(async () => {
      const subject = await make()
      const { host } = subject
      const { signal } = new AbortController()
      const spec: ContainerHostWorld['spec'] = (script, more = {}) => ({
        image: subject.image,
        command: ['sh', '-c', script],
        env: {},
        labels: ours,
        workdir: null,
        user: null,
        mounts: [],
        network: 'none',
        idle: false,
        limits: noLimits,
        ...subject.more,
        ...more,
      })
      world = {
        ...subject,
        signal,
        spec,
        async run(script, more, env = {}) {
          const id = await host.create(spec(script, more), signal)
          await host.start(id, { env }, signal)
          return id
        },
        async output(id) {
          let text = ''
          await host.follow(id, null, { write: (chunk) => void (text += chunk.toString()) }, signal)
          return text
        },
      }
    })
    afterEach(async () => {
      for (const { id } of await world.host.list(ours, world.signal)) await world.host.remove(id)
      expect(await world.count()).toEqual({ containers: 0, networks: 0, volumes: 0 })
    })
    afterAll(async () => {
      await world?.host.close()
      await world?.dispose()
    })

    describe('what it runs', () => {
      it('gives the environment of its creation, and that of its start', async () => {
        const odd = `it's "$HOME" \`id\` \\n %s\n second line\tü  `
        const script = 'printf "%s|%s|%s|" "$EARLY" "$LATE" "$BOTH"; pwd; env | grep -c slipway'
        const more = { env: { EARLY: '1', BOTH: 'early' }, workdir: '/tmp' }
        const id = await world.run(script, more, { LATE: odd, BOTH: 'late' })
        expect(await world.output(id)).toBe(`1|${odd}|late|/tmp\n0\n`)
      })

      it('shows what it was told at its start to nobody who looks at it', async () => {
        const secret = randomUUID()
        const id = await world.run('echo "${#SECRET}"; sleep 60', {}, { SECRET: secret })
        let text = ''
        const cut = new AbortController()
        await world.host
          .follow(
            id,
            null,
            {
              write(chunk) {
                text += chunk.toString()
                if (text.includes('36')) cut.abort()
              },
            },
            cut.signal,
          )
          .catch(() => {})
        expect(text).toBe('36\n')
        expect(await world.inspect(id)).not.toContain(secret)
        if (!has('further commands')) return
        const others = await world.host.exec(
          id,
          {
            argv: ['sh', '-c', `! ls -R /tmp /dev/shm | grep -q .env`],
            env: {},
            workdir: null,
            user: null,
          },
          { write() {} },
          world.signal,
        )
        expect(others).toEqual({ exitCode: 0 })
      })

      it('refuses a name that no shell can set', async () => {
        const id = await world.host.create(world.spec('true'), world.signal)
        await expect(
          world.host.start(id, { env: { 'a-b': '1', OK: '1' } }, world.signal),
        ).rejects.toMatchObject({
          code: 'invalid_request',
          message: expect.stringContaining('a-b'),
        })
      })

      if (has('own command'))
        it('runs what the image says where nothing else is said', async () => {
          const id = await world.run('', { command: null, image: world.ownCommand })
          expect(await world.output(id)).toBe('own command\n')
          const given = await world.run('', { command: ['echo', 'given'], image: world.ownCommand })
          expect(await world.output(given)).toBe('given\n')
          await expect(
            world.host.create(world.spec('', { command: null }), world.signal),
          ).rejects.toMatchObject({ code: 'invalid_request' })
        })

      it('says clearly that an image has no shell', async () => {
        await expect(world.run('', { image: world.bare })).rejects.toMatchObject({
          code: 'invalid_request',
          message: expect.stringMatching(/(no|needs) \/bin\/sh/),
        })
      })

      it.each([0, 1, 42, 255])('tells exit code %i', async (code) => {
        const id = await world.run(`exit ${code}`)
        expect(await world.host.wait(id, world.signal)).toMatchObject({
          exitCode: code,
          outOfMemory: false,
          interrupted: false,
          endedAt: expect.any(Date),
        })
      })

      it('answers a missing command like a shell', async () => {
        const id = await world.run('', { command: ['no-such-command'] })
        expect(await world.host.wait(id, world.signal)).toMatchObject({ exitCode: 127 })
        expect(await world.output(id)).toContain('no-such-command')
      })

      it('idles until it is stopped, and then ends with success', async () => {
        const id = await world.run('', { command: null, idle: true })
        const ended = world.host.wait(id, world.signal)
        await world.host.stop(id, 10_000)
        expect(await ended).toMatchObject({ exitCode: 0 })
      })
    })

    describe('what it may not do', () => {
      it('has few capabilities, no way to more, and another user has none', async () => {
        const id = await world.run('grep -E "^(Cap|NoNew)" /proc/self/status')
        const status = await world.output(id)
        // CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID
        for (const set of ['CapPrm', 'CapEff', 'CapBnd']) {
          expect(status).toMatch(new RegExp(`^${set}:\\s+00000000000000cb$`, 'm'))
        }
        expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
        const other = await world.run('grep CapEff /proc/self/status; id -u', { user: '1000:1000' })
        expect(await world.output(other)).toMatch(/^CapEff:\s+0+\n1000\n$/)
      })

      if (has('mounts'))
        it('gets no socket of an engine', async () => {
          for (const source of ['/', '/run/docker.sock', '/run/containerd/containerd.sock']) {
            const mounts = [{ source, target: '/host', readOnly: true }]
            await expect(
              world.host.create(world.spec('true', { mounts }), world.signal),
            ).rejects.toMatchObject({ code: 'invalid_request' })
          }
        })

      if (has('mounts'))
        it('writes to mounts only where it may', async () => {
          const folder = await mkdtemp(join(tmpdir(), 'slipway-mount-'))
          try {
            await writeFile(join(folder, 'given'), 'given\n')
            const mounts = [
              { source: folder, target: '/read', readOnly: true },
              { source: folder, target: '/write', readOnly: false },
            ]
            const script = 'cat /read/given; echo x >/read/x || echo refused; echo y >/write/y'
            const id = await world.run(script, { mounts })
            expect(await world.output(id)).toMatch(/^given\n.*refused\n$/s)
          } finally {
            await rm(folder, { recursive: true })
          }
        })

      it('sees nobody else without a network', async () => {
        const id = await world.run(`sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev`)
        expect(await world.output(id)).toBe('lo\n')
      })

      it('is held to its memory, which is told from other ends', async () => {
        const limits = { ...noLimits, memoryBytes: 48 << 20 }
        const bomb = await world.run('dd if=/dev/zero of=/dev/null bs=256M count=1', { limits })
        expect(await world.host.wait(bomb, world.signal)).toMatchObject({
          exitCode: 137,
          outOfMemory: true,
        })
        const killed = await world.run('kill -9 $$', { limits })
        expect(await world.host.wait(killed, world.signal)).toMatchObject({
          exitCode: 137,
          outOfMemory: false,
        })
      })

      if (has('pids limit'))
        it('is held to its number of processes, also by a fork bomb', async () => {
          const limits = { ...noLimits, pids: 30 }
          const bomb = 'bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 60'
          const id = await world.run(bomb, { limits })
          const count = await world.run('i=0; while [ $i -lt 40 ]; do sleep 9 & i=$((i+1)); done', {
            limits,
          })
          expect(await world.output(count)).toMatch(/fork/i)
          await world.host.remove(id)
        })

      if (has('measure'))
        it('is measured by what it wrote', async () => {
          const id = await world.run('head -c 5000000 /dev/zero >/written')
          await world.host.wait(id, world.signal)
          const bytes = await world.host.measure(id, world.signal)
          expect(bytes).toBeGreaterThanOrEqual(5_000_000)
          expect(bytes).toBeLessThan(6_000_000)
        })

      it('starts where the engine cannot limit what it writes', async () => {
        const id = await world.run('echo up', { limits: { ...noLimits, diskBytes: 1 << 30 } })
        expect(await world.output(id)).toBe('up\n')
      })
    })

    if (has('own networks'))
      describe('its network', () => {
        it('is its own, and others meet it there by name', async () => {
          const name = `first-${randomUUID()}`
          const first = await world.run('nc -l -p 80 -e echo hello', { network: 'internal', name })
          const found = await world.host.find(name, world.signal)
          expect(found).toMatchObject({ id: first, name, state: 'running' })
          const call = `until nc -w 2 ${name} 80 </dev/null; do sleep 0.1; done`
          const second = await world.run(call, { network: found?.network ?? '' })
          expect(await world.output(second)).toContain('hello\n')
          const apart = await world.run(`nc -w 1 ${name} 80 || echo unknown`, { network: 'bridge' })
          expect(await world.output(apart)).toContain('unknown\n')
          const third = await world.run('sleep 60', { network: found?.network ?? '' })
          // With somebody still in it.
          await world.host.remove(first)
          expect((await world.count()).networks).toBe(1)
          await world.host.remove(third)
        })

        it('is there for many at once', async () => {
          const all = await Promise.all(
            Array.from({ length: 36 }, () =>
              world.host.create(world.spec('true', { network: 'bridge' }), world.signal),
            ),
          )
          expect(await world.count()).toMatchObject({ containers: 36, networks: 36 })
          await Promise.all(all.map((id) => world.host.remove(id)))
        })
      })

    describe('finding', () => {
      it('finds by labels what is created, running and ended', async () => {
        const labels = { ...ours, of: randomUUID() }
        const created = await world.host.create(world.spec('true', { labels }), world.signal)
        const running = await world.run('sleep 60', { labels })
        const ended = await world.run('exit 3', { labels })
        await world.host.wait(ended, world.signal)
        await world.run('sleep 60')
        const found = await world.host.list(labels, world.signal)
        const byId = Object.fromEntries(found.map((each) => [each.id, each]))
        expect(found).toHaveLength(3)
        expect(byId[created]).toMatchObject({ state: 'created', exit: null, startedAt: null })
        expect(byId[running]).toMatchObject({
          state: 'running',
          exit: null,
          startedAt: expect.any(Date),
        })
        expect(byId[ended]).toMatchObject({ state: 'ended', exit: { exitCode: 3 }, labels })
      })

      it('lets one container have a name', async () => {
        const name = `name-${randomUUID()}`
        const first = await world.host.create(
          world.spec('true', has('rename') ? {} : { name }),
          world.signal,
        )
        if (has('rename')) await world.host.rename(first, name, world.signal)
        expect(await world.host.find(name, world.signal)).toMatchObject({ id: first, name })
        const second = await world.host.create(world.spec('true'), world.signal)
        const conflict = { code: 'resource_conflict' }
        await expect(world.host.rename(second, name, world.signal)).rejects.toMatchObject(
          has('rename') ? conflict : { code: 'invalid_request' },
        )
        await expect(
          world.host.create(world.spec('true', { name }), world.signal),
        ).rejects.toMatchObject(conflict)
      })

      it('tells what is gone', async () => {
        expect(await world.host.find('nobody', world.signal)).toBeNull()
        const gone = { code: 'resource_not_found' }
        const { host, signal } = world
        const sink = { write() {} }
        const command = { argv: ['true'] as const, env: {}, workdir: null, user: null }
        await expect(host.wait('nobody', signal)).rejects.toMatchObject(gone)
        await expect(host.follow('nobody', null, sink, signal)).rejects.toMatchObject(gone)
        await expect(host.exec('nobody', command, sink, signal)).rejects.toMatchObject(gone)
        await expect(host.start('nobody', { env: {} }, signal)).rejects.toMatchObject(gone)
        await expect(host.stop('nobody', 0)).rejects.toMatchObject(gone)
        await host.remove('nobody')
      })

      it('starts a container once', async () => {
        const id = await world.run('sleep 60')
        await expect(world.host.start(id, { env: {} }, world.signal)).rejects.toMatchObject({
          code: 'resource_conflict',
        })
      })
    })

    containerHostLacksSuite(() => world, lacks)
    containerHostEndSuite(() => world, ours, has)
    containerHostFaultsSuite(() => world, has)
  })
}
