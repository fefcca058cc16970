import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { type Docker, kill, postJson, waitForEnd } from '../../../docker/index.ts'
import type { Execution, ExecutionResult, OutputSink } from '../../../ports/executor.ts'
import type { CheckedSpec } from '../check-spec.ts'
import { createEnding, describeMemory, failure, judgeExit, resultOf } from '../end-execution.ts'
import { pumpFrames } from './pump-frames.ts'

/** Milliseconds for each request by which a container is ended. */
const endMs = 30_000

/** Follows a container that has just been started to its end. Removing it is the caller's. */
export function runExecution(
  { docker, log }: { docker: Docker; log: Logger },
  input: { spec: CheckedSpec; id: string; attached: Duplex; sink: OutputSink },
): Execution {
  const { spec, id, attached, sink } = input
  const { memoryBytes } = spec.limits
  const over = new AbortController()
  let hasEnded = false

  const failed = (error: unknown) => {
    if (!hasEnded) log.warn({ err: error, execution: spec.id }, 'an execution could not be ended')
  }
  const within = () => AbortSignal.any([AbortSignal.timeout(endMs), over.signal])
  const ending = createEnding(log, spec, (graceMs, isFirst) => {
    if (isFirst) terminate(docker, id, within()).catch(failed)
    ending.after(graceMs, () => void kill(docker, id, 'KILL', within()).catch(failed))
  })
  const pumped = pumpFrames(attached, sink, ending.output)
  const finish = async (): Promise<ExecutionResult> => {
    const { container, interrupted } = await waitForEnd(docker, id, over.signal)
    hasEnded = true
    ending.hasEnded()
    const isWhole = await pumped
    const { ExitCode: exitCode, OOMKilled } = container.State
    if (ending.cause !== null) return { ...ending.cause, exitCode }
    if (interrupted || !isWhole) return failure('The Docker engine went away while it ran.')
    return judgeExit(
      exitCode,
      OOMKilled && memoryBytes !== null ? describeMemory(memoryBytes) : null,
    )
  }
  const done = resultOf(log, spec, finish).finally(() => {
    hasEnded = true
    ending.close()
    over.abort(new Error('the execution has ended'))
    attached.destroy()
  })
  return { id: spec.id, done, stop: ending.stop }
}

/** SIGTERM for everybody in the container; where no further process can be had, for its command alone. */
async function terminate(docker: Docker, id: string, signal: AbortSignal): Promise<void> {
  try {
    const path = `/containers/${encodeURIComponent(id)}/exec`
    const body = { Cmd: ['/bin/sh', '-c', 'kill -TERM -1'] }
    const { Id } = await postJson<{ Id: string }>(docker, path, body, signal)
    await postJson(docker, `/exec/${Id}/start`, { Detach: true, Tty: false }, signal)
  } catch {
    await kill(docker, id, 'TERM', signal)
  }
}
