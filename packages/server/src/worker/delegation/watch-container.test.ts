import { pino } from 'pino'
import { expect, it } from 'vitest'
import type { LogWriter } from '../../logs/index.ts'
import type { ContainerHost } from '../../ports/container-host.ts'
import type { DelegationAttempt } from '../../runners/index.ts'
import { judge, watchContainer } from './watch-container.ts'

const exit = {
  exitCode: 0,
  outOfMemory: false,
  interrupted: false,
  mayNotHaveRun: false,
  reason: null,
  endedAt: new Date(),
}

it.each([
  [exit, null, 'completed', null],
  [{ ...exit, exitCode: 3 }, null, 'failed', null],
  [{ ...exit, exitCode: 137, outOfMemory: true }, null, 'failed', 'out of memory'],
  // A child that was killed for its memory is not the end of a job that goes on.
  [{ ...exit, outOfMemory: true }, null, 'completed', null],
  [{ ...exit, interrupted: true }, null, 'completed', null],
  [
    { ...exit, exitCode: 137, interrupted: true },
    null,
    'failed',
    'the container engine was restarted',
  ],
  [exit, 'timeout', 'failed', 'timeout'],
  [{ ...exit, reason: 'Evicted from node n.' }, null, 'failed', 'Evicted from node n.'],
  [{ ...exit, exitCode: null, reason: 'Its pod is gone.' }, null, 'failed', 'Its pod is gone.'],
] as const)('judges %j with cause %s as %s', (ended, cause, status, reason) => {
  expect(judge(ended, cause)).toEqual({ status, exitCode: ended.exitCode, reason })
})

it('keeps of too much output what is within the limit, and nothing of what came behind', async () => {
  let stopped = () => {}
  const end = new Promise<void>((resolve) => (stopped = resolve))
  const host: Pick<ContainerHost, 'follow' | 'wait' | 'stop' | 'measure'> = {
    async follow(_id, _since, sink) {
      for (const text of ['one\n', 'two\n', 'three\n', 'four, five, six\n']) {
        await sink.write(Buffer.from(text))
      }
    },
    wait: async () => {
      await end
      return exit
    },
    stop: async () => stopped(),
    measure: async () => 0,
  }
  let kept = ''
  const writer: Pick<LogWriter, 'write'> = { write: (chunk) => void (kept += chunk.toString()) }
  const result = await watchContainer(
    { host: host as ContainerHost, log: pino({ level: 'silent' }), outputBytes: 9 },
    {
      attempt: { timeoutMs: 60_000, spec: { limits: { diskBytes: null } } } as DelegationAttempt,
      id: 'container',
      startedAt: new Date(),
      writer: writer as LogWriter,
      setClock() {},
    },
    new AbortController().signal,
  )
  expect(result).toMatchObject({ status: 'failed', reason: 'more output than 9 bytes' })
  expect(kept).toBe('one\ntwo\nt\n')
})
