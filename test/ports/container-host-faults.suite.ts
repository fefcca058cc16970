import { expect, describe, it } from 'vitest'
import type { ContainerHostWorld, HostFeature } from './container-host.suite.ts'

/** Output, commands in running containers, and an engine that goes away. */
export function containerHostFaultsSuite(
  world: () => ContainerHostWorld,
  has: (feature: HostFeature) => boolean,
): void {
  const lines = (count: number) => Array.from({ length: count }, (_, n) => `${n + 1}\n`).join('')
  const counting = (count: number, pause = '') =>
    `i=1; while [ $i -le ${count} ]; do echo $i; i=$((i+1)); ${pause} done`

  describe('output', () => {
    it('comes in the order in which it was written', async () => {
      const id = await world().run('for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done')
      expect(await world().output(id)).toBe(
        [1, 2, 3, 4, 5].map((n) => `out${n}\nerr${n}\n`).join(''),
      )
    })

    it('comes as it was, long lines and what is no text too', async () => {
      const script = `head -c 100000 /dev/zero | tr '\\0' x; echo; printf '\\377\\000 end'`
      const id = await world().run(script)
      const chunks: Buffer[] = []
      const sink = { write: (chunk: Buffer) => void chunks.push(chunk) }
      await world().host.follow(id, null, sink, world().signal)
      expect(Buffer.concat(chunks)).toEqual(
        Buffer.concat([
          Buffer.from(`${'x'.repeat(100_000)}\n`),
          Buffer.from([255, 0]),
          Buffer.from(' end'),
        ]),
      )
    })

    it('is whole, however short the life of its container', async () => {
      for (let n = 0; n < 8; n++) {
        const id = await world().run(counting(200))
        expect(await world().output(id)).toBe(lines(200))
        await world().host.remove(id)
      }
    })

    it('goes on when there is more than the engine keeps in one file', async () => {
      const id = await world().run('yes "$(printf %990d 7)" | head -n 12000; echo over')
      let bytes = 0
      let end = ''
      const sink = {
        write(chunk: Buffer) {
          bytes += chunk.length
          end = chunk.toString('latin1').slice(-5)
        },
      }
      await world().host.follow(id, null, sink, world().signal)
      expect({ bytes, end }).toEqual({ bytes: 12_000 * 991 + 5, end: 'over\n' })
    })

    it('says when it was written, and can be read from then on', async () => {
      const id = await world().run('echo one; sleep 0.2; echo two')
      const found: [string, Date | undefined][] = []
      const take = { write: (chunk: Buffer, at?: Date) => void found.push([chunk.toString(), at]) }
      await world().host.follow(id, null, take, world().signal)
      expect(found.map(([text]) => text)).toEqual(['one\n', 'two\n'])
      const from = found[1]?.[1] ?? null
      expect(from?.getTime()).toBeGreaterThan(found[0]?.[1]?.getTime() ?? 0)
      const rest: string[] = []
      const sink = { write: (chunk: Buffer) => void rest.push(chunk.toString()) }
      await world().host.follow(id, from, sink, world().signal)
      expect(rest).toEqual(['two\n'])
    })

    it('waits for who reads it, whose failure ends the reading alone', async () => {
      const id = await world().run('echo one; sleep 60')
      const sink = { write: () => Promise.reject(new Error('no room')) }
      await expect(world().host.follow(id, null, sink, world().signal)).rejects.toThrow('no room')
      expect(await world().host.find(id, world().signal)).toMatchObject({ state: 'running' })
    })
  })

  if (has('further commands'))
    describe('a further command', () => {
      const plain = { env: {}, workdir: null, user: null }

      it('has its own environment, directory, user and exit code', async () => {
        const id = await world().run('', { command: null, idle: true })
        let text = ''
        const end = await world().host.exec(
          id,
          {
            argv: ['sh', '-c', 'echo "$A|$(pwd)|$(id -u)"; echo err >&2; exit 9'],
            env: { A: `it's` },
            workdir: '/tmp',
            user: '1000',
          },
          { write: (chunk) => void (text += chunk.toString()) },
          world().signal,
        )
        expect(end).toEqual({ exitCode: 9 })
        expect(text).toBe(`it's|/tmp|1000\nerr\n`)
      })

      it('answers a missing command like a shell', async () => {
        const id = await world().run('', { command: null, idle: true })
        const end = await world().host.exec(
          id,
          { argv: ['no-such-command'], ...plain },
          { write() {} },
          world().signal,
        )
        expect(end).toEqual({ exitCode: 127 })
      })

      it('streams, and is ended with all of its children when it is given up', async () => {
        const id = await world().run('', { command: null, idle: true })
        const cut = new AbortController()
        let text = ''
        const script = `trap 'echo bye' TERM; echo up; (sleep 7777; sleep 7777) & wait; sleep 7777`
        const running = world().host.exec(
          id,
          { argv: ['sh', '-c', script], ...plain },
          {
            write(chunk) {
              text += chunk.toString()
              if (text === 'up\n') cut.abort(new Error('enough'))
            },
          },
          cut.signal,
        )
        await expect(running).rejects.toThrow('enough')
        let left = ''
        await world().host.exec(
          id,
          { argv: ['sh', '-c', 'ps -o args | grep -c "[s]leep 7777"'], ...plain },
          { write: (chunk) => void (left += chunk.toString()) },
          world().signal,
        )
        expect(left).toBe('0\n')
        expect(await world().host.find(id, world().signal)).toMatchObject({ state: 'running' })
      })

      it('is none in a container that does not run', async () => {
        const id = await world().run('true')
        await world().host.wait(id, world().signal)
        await expect(
          world().host.exec(id, { argv: ['true'], ...plain }, { write() {} }, world().signal),
        ).rejects.toMatchObject({ code: 'resource_conflict' })
      })
    })

  describe('an engine that goes away', () => {
    it('is said to be away, and there again when it is back', async () => {
      await world().host.check()
      await world().kill()
      await expect(world().host.check()).rejects.toMatchObject({ code: 'unavailable' })
      await expect(world().host.create(world().spec('true'), world().signal)).rejects.toMatchObject(
        { code: 'unavailable' },
      )
      await world().start()
      await world().host.check()
    })

    it('is waited for: one truthful end, and every line once', async () => {
      const ends = has('engine of their own')
      const id = await world().run(counting(ends ? 100_000 : 400, 'sleep 0.01;'))
      const ended = world().host.wait(id, world().signal)
      let text = ''
      let seen = () => {}
      const some = new Promise<void>((resolve) => (seen = resolve))
      const followed = world().host.follow(
        id,
        null,
        {
          write(chunk) {
            text += chunk.toString()
            if (text.length > 200) seen()
          },
        },
        world().signal,
      )
      await some
      await world().kill()
      await world().start()
      const exit = await ended
      expect(exit).toMatchObject({ interrupted: ends, outOfMemory: false })
      expect(exit.exitCode === 0).toBe(!ends)
      await followed
      const numbers = text.trimEnd().split('\n').map(Number)
      expect(numbers.length).toBeGreaterThan(50)
      expect(numbers).toEqual(numbers.map((_, index) => index + 1))
      expect(await world().output(id)).toBe(text)
    })
  })
}
