import { access } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { ExecutorWorld } from './executor-world.ts'
import type { ExecutorCapabilities } from './executor.suite.ts'

/** How executions end that do not end by themselves, and that nothing outlives them. */
export function executorStopSuite(
  world: () => ExecutorWorld,
  capabilities: ExecutorCapabilities,
): void {
  describe('stopping', () => {
    it('lets a command end on SIGTERM, and hands over its last words', async () => {
      const script = `trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done`
      const started = await world().start(['sh', '-c', script])
      await started.said('up')
      started.stop()
      started.stop()
      const { outcome, exitCode, reason } = await started.done
      expect({ outcome, exitCode }).toEqual({ outcome: 'stopped', exitCode: 3 })
      expect(reason).toMatch(/\w/)
      expect(started.output()).toContain('bye\n')
      started.stop()
    })

    it('tells the whole tree, not only its first process', async () => {
      const script = `trap 'wait; exit 4' TERM
        sh -c 'trap "echo child; exit" TERM; echo up; while :; do sleep 0.05; done' & wait`
      const started = await world().start(['sh', '-c', script])
      await started.said('up')
      started.stop()
      expect(await started.done).toMatchObject({ outcome: 'stopped', exitCode: 4 })
      expect(started.output()).toContain('child\n')
    })

    it('ends a command right after its start', async () => {
      const started = await world().start(['sleep', '30'])
      started.stop()
      expect(await started.done).toMatchObject({ outcome: 'stopped' })
    })

    it('a shorter grace replaces a longer one', async () => {
      const started = await world().start(['sh', '-c', `trap '' TERM; echo up; sleep 30; sleep 30`])
      await started.said('up')
      started.stop(60_000)
      started.stop(10)
      expect(await started.done).toMatchObject({ outcome: 'stopped', exitCode: 137 })
    })

    it.each([
      ['ignores SIGTERM', `trap '' TERM; echo up; while :; do sleep 1; done`],
      ['forks', `trap '' TERM; (trap '' TERM; echo up; sleep 60) & wait; wait`],
      [
        'forks twice into a session of its own',
        `(setsid sh -c 'trap "" TERM HUP; echo up; while :; do sleep 1; done' &) ; sleep 60`,
      ],
      [
        'clears its environment on the way',
        `env -i PATH="$PATH" setsid sh -c 'trap "" TERM; (echo up; sleep 60) & wait; wait' & wait`,
      ],
      ['keeps forking', `trap '' TERM; echo up; while :; do sleep 0.01 & wait $!; done`],
    ])('leaves nothing of a tree that %s', async (_, script) => {
      const witness = await world().witness()
      const started = await world().start(['sh', '-c', `${witness.hold} ${script}`], {
        limits: { pids: 64 },
      })
      await started.said('up')
      expect(witness.held()).toBe(true)
      started.stop(50)
      expect(await started.done).toMatchObject({ outcome: 'stopped' })
      expect(witness.held()).toBe(false)
    })

    it('does not wait for a grandchild that holds the output', async () => {
      const witness = await world().witness()
      const script = `${witness.hold} (setsid sh -c 'trap "" TERM HUP; sleep 60' &) ; echo main; exit 5`
      const { outcome, exitCode, output } = await world().sh(script)
      expect({ outcome, exitCode, output }).toEqual({
        outcome: 'exited',
        exitCode: 5,
        output: 'main\n',
      })
      expect(witness.held()).toBe(false)
    })
  })

  describe('limits', () => {
    it('of time', async () => {
      const witness = await world().witness()
      const script = `${witness.hold} sleep 60 & sleep 60`
      const { outcome, reason } = await world().sh(script, { limits: { timeoutMs: 300 } })
      expect(outcome).toBe('timed_out')
      expect(reason).toContain('0.3 s')
      expect(witness.held()).toBe(false)
    })

    it('of output: not a byte more is handed over', async () => {
      const started = await world().start(['sh', '-c', 'yes'], { limits: { outputBytes: 100_001 } })
      expect(await started.done).toMatchObject({ outcome: 'output_limit' })
      expect(started.output()).toHaveLength(100_001)
    })

    it('of output, by a command that has ended before its output was read', async () => {
      const { outcome, output } = await world().sh('echo 12345', { limits: { outputBytes: 5 } })
      expect({ outcome, output }).toEqual({ outcome: 'output_limit', output: '12345' })
    })

    it('of output: exactly as much is fine', async () => {
      const { outcome, output } = await world().sh('echo 12345', { limits: { outputBytes: 6 } })
      expect({ outcome, output }).toEqual({ outcome: 'exited', output: '12345\n' })
    })

    if (capabilities.memory) {
      it('of memory', async () => {
        const limits = { memoryBytes: 64 << 20 }
        const { outcome, exitCode, reason } = await world().sh(
          'dd if=/dev/zero of=/dev/null bs=256M count=1',
          { limits },
        )
        expect({ outcome, exitCode }).toEqual({ outcome: 'out_of_memory', exitCode: 137 })
        expect(reason).toContain('64 MiB')
        // Half of it is fine, and the next execution is not blamed for the one before.
        expect(
          await world().sh('dd if=/dev/zero of=/dev/null bs=16M count=1 2>&1; kill -9 $$', {
            limits,
          }),
        ).toMatchObject({ outcome: 'signalled' })
      })
    }

    if (capabilities.pids) {
      it('of processes: the command itself and eight more', async () => {
        const script = `i=0; while [ $i -lt 20 ]; do sleep 60 & echo started; i=$((i+1)); done`
        const { output } = await world().sh(script, { limits: { pids: 9 } })
        expect(output.split('\n').filter((line) => line === 'started')).toHaveLength(8)
      })

      it('contain a fork bomb', async () => {
        const witness = await world().witness()
        const started = await world().start(
          ['sh', '-c', `${witness.hold} bomb() { bomb | bomb & }; while :; do bomb; done`],
          { limits: { pids: 40, timeoutMs: 700, outputBytes: 1 << 30 } },
        )
        await started.done
        expect(witness.held()).toBe(false)
        expect(await world().sh('echo still here')).toMatchObject({ output: 'still here\n' })
      })
    }
  })

  describe('the sink', () => {
    it('holds the command back', async () => {
      let release = (): void => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      let taken = 0
      let first = (): void => {}
      const began = new Promise<void>((resolve) => {
        first = resolve
      })
      const { workspace } = world()
      const size = 8 << 20
      const execution = await world().executor.start(
        world().spec([
          'sh',
          '-c',
          `head -c ${size} /dev/zero; echo >'${workspace}/finished'; echo`,
        ]),
        {
          write(chunk) {
            taken += chunk.length
            first()
            return gate
          },
        },
      )
      await began
      // A second command has all the time it needs; the first one gets nowhere.
      await world().sh('sleep 0.2')
      expect(taken).toBeLessThanOrEqual(1 << 20)
      await expect(access(`${workspace}/finished`)).rejects.toThrow('ENOENT')
      release()
      expect(await execution.done).toMatchObject({ exitCode: 0 })
      expect(taken).toBe(size + 1)
    })

    it.each([
      ['rejects', () => Promise.reject(new Error('disk full'))],
      [
        'throws',
        () => {
          throw new Error('disk full')
        },
      ],
    ])('that %s ends the execution as failed', async (_, write) => {
      const witness = await world().witness()
      const execution = await world().executor.start(
        world().spec(['sh', '-c', `${witness.hold} yes & yes`]),
        { write },
      )
      expect(await execution.done).toMatchObject({ outcome: 'failed' })
      expect(witness.held()).toBe(false)
    })

    it('has everything when the execution is done, however long it takes', async () => {
      let taken = ''
      const execution = await world().executor.start(
        world().spec(['sh', '-c', 'echo one; sleep 0.3; echo two; sleep 0.3; echo three']),
        {
          async write(chunk) {
            await new Promise((resolve) => setTimeout(resolve, 1_200))
            taken += chunk.toString()
          },
        },
      )
      expect(await execution.done).toMatchObject({ outcome: 'exited' })
      expect(taken).toBe('one\ntwo\nthree\n')
    })
  })
}
