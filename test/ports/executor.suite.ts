import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Executor } from '../../packages/server/src/ports/executor.ts'
import { executorIsolationSuite } from './executor-isolation.suite.ts'
import { executorStopSuite } from './executor-stop.suite.ts'
import { type ExecutorWorld, makeExecutorWorld } from './executor-world.ts'

/** What an adapter can do on this machine; each is tested where it is there. */
export interface ExecutorCapabilities {
  /** The command sees nothing of the host but its own directories, and has no rights over it. */
  isolated: boolean
  /** `memoryBytes` holds for the whole tree and shows as `out_of_memory`. */
  memory: boolean
  /** `pids` holds for the whole tree. */
  pids: boolean
  /** `/sys` is there, read-only, as runtimes of clusters show it to every container. */
  showsSys?: boolean
  /** The image to run in, with `sh` and coreutils; null for an executor without images. */
  image: string | null
  /**
   * Arguments for node: a program that opens such an executor, whose state directory is its
   * argument, starts the specification that it reads as one line of JSON, and prints the output.
   */
  parent: readonly string[]
}

/** What every executor must do, whatever it runs commands in. */
export function executorSuite(
  name: string,
  makeExecutor: (stateDir: string) => Executor,
  capabilities: ExecutorCapabilities,
): void {
  describe(`executor: ${name}`, () => {
    let world: ExecutorWorld
    beforeEach(async () => {
      world = await makeExecutorWorld(makeExecutor, capabilities.image)
    })
    afterEach(async () => {
      await world.close()
    })

    it('says how it isolates', () => {
      expect(world.executor.name).toMatch(/^[a-z]+$/)
      expect(world.executor.isolation).toMatch(/\w/)
      expect(world.executor.isolation).not.toBe('not open')
    })

    it('hands over stdout and stderr in the order in which they were written', async () => {
      const script = 'for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done'
      const { output, outcome, exitCode, reason } = await world.sh(script)
      expect(output).toBe([1, 2, 3, 4, 5].map((i) => `out${i}\nerr${i}\n`).join(''))
      expect({ outcome, exitCode, reason }).toEqual({
        outcome: 'exited',
        exitCode: 0,
        reason: null,
      })
    })

    it('lets a command open its output again by name', async () => {
      const { output } = await world.sh('echo one >/dev/stdout; echo two >/dev/stderr')
      expect(output).toBe('one\ntwo\n')
    })

    it('hands over bytes as they were, also those after the last line', async () => {
      const chunks: Buffer[] = []
      const execution = await world.executor.start(
        world.spec(['sh', '-c', String.raw`printf '\000\377\303'; printf end`]),
        { write: (chunk) => void chunks.push(chunk) },
      )
      await execution.done
      expect(Buffer.concat(chunks)).toEqual(
        Buffer.concat([Buffer.from([0, 255, 195]), Buffer.from('end')]),
      )
    })

    it.each([1, 42, 128, 255])('reports exit code %i', async (code) => {
      const { outcome, exitCode } = await world.sh(`exit ${code}`)
      expect({ outcome, exitCode }).toEqual({ outcome: 'exited', exitCode: code })
    })

    it.each([
      ['KILL', 9],
      ['SEGV', 11],
      ['TERM', 15],
    ])('reports the end by SIG%s as shells do', async (signal, number) => {
      const { outcome, exitCode, reason } = await world.sh(`kill -${signal} $$; sleep 30`)
      expect({ outcome, exitCode }).toEqual({ outcome: 'signalled', exitCode: 128 + number })
      expect(reason).toContain(`SIG${signal}`)
    })

    it('answers a missing command like a shell', async () => {
      const started = await world.start(['no-such-command', 'x'])
      const { outcome, exitCode } = await started.done
      expect({ outcome, exitCode }).toEqual({ outcome: 'exited', exitCode: 127 })
      expect(started.output()).toContain('no-such-command')
    })

    it('answers a file that is no program like a shell', async () => {
      await writeFile(`${world.workspace}/data`, 'no program', { mode: 0o644 })
      const started = await world.start([`${world.workspace}/data`])
      expect(await started.done).toMatchObject({ outcome: 'exited', exitCode: 126 })
    })

    it('passes arguments as they are', async () => {
      const odd = ['', ' ', "it's", '"', '$HOME', '$(id)', '`id`', ';', '*', '-n', '\n', 'ü', '\\']
      const started = await world.start(['printf', '[%s]', ...odd])
      await started.done
      expect(started.output()).toBe(odd.map((each) => `[${each}]`).join(''))
    })

    it('passes the environment as it is', async () => {
      const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/).map((text) => `X_${text}`)
      const character = fc.oneof(
        fc.constantFrom('\n', '\\', '"', "'", '$', '`', ' ', '\t', '\\n', '%', '=', '\r'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
      )
      const value = fc
        .array(character, { maxLength: 6 })
        .map((parts) => parts.join('').replaceAll('\0', ''))
      await fc.assert(
        fc.asyncProperty(fc.dictionary(name, value, { minKeys: 1, maxKeys: 5 }), async (env) => {
          const names = Object.keys(env)
          const script = names.map((each) => `printf '%s|' "$${each}"`).join(';')
          const { output } = await world.sh(script, { env })
          expect(output).toBe(names.map((each) => `${env[each]}|`).join(''))
        }),
        { numRuns: 15 },
      )
    })

    it('adds nothing to the environment but what nothing works without', async () => {
      process.env.SLIPWAY_SUITE_CANARY = 'a secret of the server'
      try {
        const { output } = await world.sh('env', { env: { MINE: '1' }, cache: world.cache })
        const names = output.split('\n').flatMap((line) => /^([^=]+)=/.exec(line)?.[1] ?? [])
        const required = ['MINE', 'PATH', 'HOME', 'LANG', 'TMPDIR', 'SLIPWAY_CACHE']
        expect(names).toEqual(expect.arrayContaining(required))
        // What shells set by themselves, and the executor's own mark.
        const allowed = new Set([...required, 'PWD', 'OLDPWD', 'SHLVL', '_', 'SLIPWAY_EXECUTION'])
        expect(names.filter((each) => !allowed.has(each))).toEqual([])
        expect(output).not.toContain('a secret of the server')
        expect(output).toContain(`SLIPWAY_CACHE=${world.cache}\n`)
      } finally {
        delete process.env.SLIPWAY_SUITE_CANARY
      }
    })

    it('prefers the environment of the specification', async () => {
      const env = { HOME: '/somewhere', LANG: 'xx', TMPDIR: '/elsewhere', PATH: '/usr/bin:/bin:/x' }
      const { output } = await world.sh('echo "$HOME $LANG $TMPDIR $PATH"', { env })
      expect(output).toBe('/somewhere xx /elsewhere /usr/bin:/bin:/x\n')
    })

    it('offers a home and a place for temporary files', async () => {
      const { output } = await world.sh(
        'cd && echo 1 >a && cat a; cd "$TMPDIR" && echo 2 >b && cat b',
      )
      expect(output).toBe('1\n2\n')
    })

    it('shows workspace, cache and read-only directories at their own paths', async () => {
      await writeFile(`${world.readOnly}/given`, 'given\n')
      const { output, exitCode } = await world.sh(
        `cat '${world.readOnly}/given'; echo w >'${world.workspace}/w'; echo c >"$SLIPWAY_CACHE/c"`,
        { cache: world.cache, readOnly: [world.readOnly] },
      )
      expect({ output, exitCode }).toEqual({ output: 'given\n', exitCode: 0 })
      expect(await readFile(`${world.workspace}/w`, 'utf8')).toBe('w\n')
      expect(await readFile(`${world.cache}/c`, 'utf8')).toBe('c\n')
    })

    it('starts in the working directory', async () => {
      await mkdir(`${world.workspace}/a/b`, { recursive: true })
      const { output } = await world.sh('pwd', { cwd: 'a/b' })
      expect(output).toBe(`${world.workspace}/a/b\n`)
    })

    it('follows a link that stays in the workspace', async () => {
      await mkdir(`${world.workspace}/real`)
      await symlink('real', `${world.workspace}/link`)
      const { output } = await world.sh('pwd -P', { cwd: 'link' })
      expect(output).toBe(`${world.workspace}/real\n`)
    })

    it.each([
      ['a parent', '..'],
      ['a way out', 'a/../..'],
      ['an absolute path', '/tmp'],
      ['a link out of the workspace', 'way-out'],
      ['something below such a link', 'way-out/usr'],
      ['what does not exist', 'nowhere'],
      ['a file', 'file'],
    ])('refuses %s as working directory', async (_, cwd) => {
      await symlink('/', `${world.workspace}/way-out`)
      await writeFile(`${world.workspace}/file`, '')
      await expect(world.start(['true'], { cwd })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    })

    it.each([
      { workspace: 'relative' },
      { workspace: '/no/such/place' },
      { cache: '/no/such/place' },
      { readOnly: ['/no/such/place'] },
      { id: '../x' },
      { id: '' },
      { env: { 'A=B': '1' } },
      { env: { A: 'nul\0' } },
    ])('refuses %j', async (over) => {
      await expect(world.start(['true'], over)).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('refuses an id that is running, and takes it again afterwards', async () => {
      const first = await world.start(['sh', '-c', 'echo up; sleep 30'], { id: 'same' })
      await first.said('up')
      await expect(world.start(['true'], { id: 'same' })).rejects.toMatchObject({
        code: 'resource_conflict',
      })
      first.stop(0)
      await first.done
      const second = await world.start(['true'], { id: 'same' })
      expect(await second.done).toMatchObject({ exitCode: 0 })
    })

    it('keeps executions in one workspace apart', async () => {
      const all = await Promise.all(
        Array.from({ length: 12 }, async (_, index) =>
          world.sh(`for i in 1 2 3; do echo ${index}-$i; done; exit ${index}`),
        ),
      )
      all.forEach(({ output, exitCode }, index) => {
        expect(output).toBe(`${index}-1\n${index}-2\n${index}-3\n`)
        expect(exitCode).toBe(index)
      })
    })

    it('refuses to start before it is open and after it is closed', async () => {
      const other = makeExecutor(`${world.stateDir}-2`)
      const sink = { write: () => {} }
      const spec = world.spec(['true'])
      await expect(other.start(spec, sink)).rejects.toMatchObject({ code: 'unavailable' })
      await other.open()
      expect(await (await other.start(spec, sink)).done).toMatchObject({ exitCode: 0 })
      await other.close()
      await expect(other.start(spec, sink)).rejects.toMatchObject({ code: 'unavailable' })
    })

    it('ends everything when it closes', async () => {
      const witness = await world.witness()
      const started = await world.start(['sh', '-c', `${witness.hold} echo up; sleep 30`])
      await started.said('up')
      expect(witness.held()).toBe(true)
      await world.executor.close()
      expect(witness.held()).toBe(false)
      expect(await started.done).toMatchObject({ outcome: 'stopped' })
    })

    describe('after its server was killed', () => {
      let parent: ChildProcess
      afterEach(() => {
        parent.kill('SIGKILL')
      })

      it.each([
        ['a command', 'echo up; sleep 60'],
        [
          'a tree that ignores signals',
          `trap '' TERM HUP INT; (setsid sh -c 'echo up; while :; do sleep 1; done' &) ; sleep 60`,
        ],
      ])('has ended %s when it is open again', async (_, script) => {
        const witness = await world.witness()
        await world.executor.close()
        parent = spawn(process.execPath, [...capabilities.parent, world.stateDir], {
          stdio: ['pipe', 'pipe', 'inherit'],
        })
        const spec = world.spec(['sh', '-c', `${witness.hold} ${script}`])
        parent.stdin!.end(`${JSON.stringify(spec)}\n`)
        for await (const line of createInterface(parent.stdout!)) if (line === 'up') break
        expect(witness.held()).toBe(true)
        parent.kill('SIGKILL')
        await once(parent, 'exit')

        const next = makeExecutor(world.stateDir)
        await next.open()
        try {
          expect(witness.held()).toBe(false)
          const execution = await next.start(spec, { write: () => {} })
          execution.stop(0)
          await execution.done
        } finally {
          await next.close()
        }
      })
    })

    executorStopSuite(() => world, capabilities)
    if (capabilities.isolated) executorIsolationSuite(() => world, capabilities)
  })
}
