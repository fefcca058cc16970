import { mkdir, realpath } from 'node:fs/promises'
import { getegid, geteuid } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import {
  connectDocker,
  createImagePuller,
  type Docker,
  type DockerOptions,
  isAway,
  removeContainer,
} from '../../../docker/index.ts'
import type { Execution, Executor } from '../../../ports/executor.ts'
import { readOwner } from '../read-owner.ts'
import { type ExecutorHost, startExecution } from './start-execution.ts'

export interface DockerExecutorOptions extends DockerOptions {
  /** Absolute directory of the executor's own, made if absent; one live executor at a time. */
  stateDir: string
  /** Whether images that the engine does not have are pulled, and within how many milliseconds. */
  pull: { policy: 'missing' | 'never'; timeoutMs: number }
  log: Logger
}

/** Whose containers are: an id that the state directory holds. */
const ownerLabel = 'io.slipway.executor'
const checkMs = 5_000
/** Milliseconds for ending what a dead server left. */
const leftoverMs = 60_000
/** Milliseconds between two looks at whether what was just starting has started. */
const lookMs = 20

/**
 * Commands in containers of a Docker engine on this machine. The engine may be away when it opens: what a
 * dead server left there is ended before the first command starts.
 */
export function createDockerExecutor(options: DockerExecutorOptions): Executor {
  const { log } = options
  const docker = connectDocker(options)
  const images = createImagePuller(docker, options.pull)
  const live = new Map<string, Execution | null>()
  const background = new Set<Promise<void>>()
  /** The one when closing begins, the other when everything has ended. */
  const stopping = new AbortController()
  const closing = new AbortController()
  let host: ExecutorHost | null = null
  /** Until what a predecessor left has ended. */
  let clearing: Promise<void> | null = null
  let isClear = false

  const inBackground = (what: string, work: Promise<unknown>): void => {
    const settled = work.then(
      () => {},
      (error: unknown) => log.warn({ err: error }, `could not remove ${what}`),
    )
    background.add(settled)
    void settled.then(() => background.delete(settled))
  }
  const clear = async ({ labels }: ExecutorHost): Promise<void> => {
    if (isClear) return
    clearing ??= endLeftovers(docker, labels, log).then(
      () => void (isClear = true),
      (error: unknown) => {
        clearing = null
        throw error
      },
    )
    await clearing
  }
  const usable = (): ExecutorHost => {
    if (host === null) throw new AppError('unavailable', 'The executor is not open')
    return host
  }

  return {
    name: 'docker',
    get isolation() {
      return host === null
        ? 'not open'
        : `containers of the Docker engine at ${docker.address}, without capabilities; memory, pids and cpu limited by it`
    },
    async open() {
      if (host !== null) throw new Error('The executor is open already')
      await mkdir(options.stateDir, { recursive: true, mode: 0o700 })
      const stateDir = await realpath(options.stateDir)
      const owner = await readOwner(stateDir)
      const opened: ExecutorHost = {
        docker,
        images,
        log,
        stateDir,
        user: `${geteuid?.() ?? 0}:${getegid?.() ?? 0}`,
        labels: { [ownerLabel]: owner },
        signal: closing.signal,
        inBackground,
      }
      try {
        await clear(opened)
      } catch (error) {
        if (!isAway(error)) throw error
        log.debug({ err: error }, 'there is no container engine now')
      }
      host = opened
    },
    async check() {
      usable()
      const signal = AbortSignal.timeout(checkMs)
      const answer = await docker.send({ method: 'GET', path: '/_ping' }, signal)
      answer.resume()
    },
    async start(spec, sink, signal) {
      const opened = usable()
      if (live.has(spec.id)) {
        throw new AppError('resource_conflict', `An execution ${spec.id} is running already`)
      }
      live.set(spec.id, null)
      try {
        await clear(opened)
        const wanted =
          signal === undefined ? stopping.signal : AbortSignal.any([signal, stopping.signal])
        const execution = await startExecution(opened, spec, sink, wanted)
        live.set(spec.id, execution)
        void execution.done.then(() => live.delete(spec.id))
        if (host === null) execution.stop(0)
        return execution
      } catch (error) {
        live.delete(spec.id)
        throw error
      }
    },
    async close() {
      if (host === null) return
      host = null
      stopping.abort(new AppError('unavailable', 'The executor is closed'))
      while (live.size > 0) {
        const all = [...live.values()].filter((execution) => execution !== null)
        for (const execution of all) execution.stop()
        // One that is just starting shows up in the next round.
        await (all.length > 0 ? Promise.all(all.map(({ done }) => done)) : sleep(lookMs))
      }
      while (background.size > 0) await Promise.all(background)
      closing.abort(new AppError('unavailable', 'The executor is closed'))
    },
  }
}

async function endLeftovers(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  log: Logger,
): Promise<void> {
  const signal = AbortSignal.timeout(leftoverMs)
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  const query = { all: '1', filters: JSON.stringify({ label }) }
  const left = await docker.json<{ Id: string }[]>(
    { method: 'GET', path: '/containers/json', query },
    signal,
  )
  await Promise.all(left.map(({ Id }) => removeContainer(docker, Id, signal)))
  if (left.length > 0) {
    log.warn({ containers: left.length }, 'ended what an earlier server left running')
  }
}
