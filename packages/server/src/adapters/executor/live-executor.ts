import { setMaxListeners } from 'node:events'
import { mkdir, realpath } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AppError } from '../../errors.ts'
import type { Execution, ExecutionSpec, Executor, OutputSink } from '../../ports/executor.ts'
import { readOwner } from './read-owner.ts'

/** What an executor is given while it is open. */
export interface ExecutorLife {
  /** Its own directory, which is there, with links resolved. */
  stateDir: string
  /** Whose executions are: an id that the directory holds. */
  owner: string
  /** Aborts when everything has ended. */
  signal: AbortSignal
  /** Takes work that nobody waits for, except `close`; `what` it removes, for the log. */
  inBackground(what: string, work: Promise<unknown>): void
}

/** What executors differ in. */
export interface ExecutorParts<Host> {
  name: string
  /** Absolute; made if absent; one live executor at a time. */
  stateDir: string
  log: Logger
  /** For people; told once it is open. */
  isolation: string
  /** What all executions share. What they are run by may be away. */
  open(life: ExecutorLife): Promise<Host>
  /** Ends what a dead predecessor left; tried again before each start until it has gone well once. */
  endLeftovers(host: Host, closing: AbortSignal): Promise<void>
  /** That failed when the executor was opened. What it throws keeps it from opening. */
  leftoversFailed(error: unknown): void
  check(host: Host): Promise<void>
  /** `wanted` is of whoever wants it, and aborts when the executor closes. */
  start(host: Host, spec: ExecutionSpec, sink: OutputSink, wanted: AbortSignal): Promise<Execution>
  /** Lets go of what is shared; everything has ended. */
  close?(host: Host): Promise<void>
}

/** Milliseconds between two looks at whether what was just starting has started. */
const lookMs = 20

/**
 * An executor whose executions are somebody else's, an engine's or a cluster's, and are lost with this process:
 * what a dead one left has ended before the first command starts, and everything has before it is closed.
 */
export function createLiveExecutor<Host>(parts: ExecutorParts<Host>): Executor {
  const { name, log } = parts
  const live = new Map<string, Execution | null>()
  const background = new Set<Promise<void>>()
  /** The one when closing begins, the other when everything has ended. */
  const stopping = new AbortController()
  const closing = new AbortController()
  // Every request of every execution listens to them.
  setMaxListeners(0, stopping.signal, closing.signal)
  let host: { value: Host } | null = null
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
  const clear = async (opened: Host): Promise<void> => {
    if (isClear) return
    clearing ??= parts.endLeftovers(opened, stopping.signal).then(
      () => void (isClear = true),
      (error: unknown) => {
        clearing = null
        throw error
      },
    )
    await clearing
  }
  const usable = (): Host => {
    if (host === null) throw new AppError('unavailable', 'The executor is not open')
    return host.value
  }

  return {
    name,
    get isolation() {
      return host === null ? 'not open' : parts.isolation
    },
    async open() {
      if (host !== null) throw new Error('The executor is open already')
      await mkdir(parts.stateDir, { recursive: true, mode: 0o700 })
      const stateDir = await realpath(parts.stateDir)
      const owner = await readOwner(stateDir)
      const opened = await parts.open({ stateDir, owner, signal: closing.signal, inBackground })
      try {
        await clear(opened)
      } catch (error) {
        parts.leftoversFailed(error)
      }
      host = { value: opened }
    },
    check: async () => parts.check(usable()),
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
        const execution = await parts.start(opened, spec, sink, wanted)
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
      const { value } = host
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
      await parts.close?.(value)
    },
  }
}
