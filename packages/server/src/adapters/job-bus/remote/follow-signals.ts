import { setTimeout as pause } from 'node:timers/promises'
import { signalPingMs, type WorkerSignal } from '@slipway/contract/worker-api'
import type { Log } from '../../../db/log.ts'
import { readLines } from '../../../ports/read-lines.ts'
import type { WorkerApi } from '../../../ports/worker-api.ts'

/** Milliseconds without a sign of life after which a stream is taken for dead. */
const silenceMs = 2.5 * signalPingMs
/** Milliseconds between two tries to open one. */
const firstPauseMs = 200
const longestPauseMs = 5_000

export interface SignalListener {
  /** A stream is open: what was said before is not said again. */
  opened(): void
  signal(signal: WorkerSignal): void
}

/** Follows the stream of a worker, opening it again where it ends, until `signal` aborts. Never rejects. */
export async function followSignals(
  deps: { api: WorkerApi; workerId: string; log: Log },
  listener: SignalListener,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = firstPauseMs
  while (!signal.aborted) {
    try {
      await followOnce(
        deps,
        {
          ...listener,
          opened() {
            pauseMs = firstPauseMs
            listener.opened()
          },
        },
        signal,
      )
    } catch (error) {
      if (signal.aborted) return
      // Heartbeats tell of a server that is away for long.
      if (pauseMs === firstPauseMs) deps.log.info({ err: error }, 'The stream of signals ended')
    }
    await pause(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined)
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }
}

async function followOnce(
  { api, workerId }: { api: WorkerApi; workerId: string },
  listener: SignalListener,
  signal: AbortSignal,
): Promise<void> {
  const silent = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silent.abort(new Error('nothing was heard any more')), silenceMs)
  }
  try {
    heard()
    const { status, body } = await api.request('GET', `/v1/workers/${workerId}/signals`, {
      signal: AbortSignal.any([signal, silent.signal]),
    })
    if (status !== 200) {
      body.destroy()
      throw new Error(`the server answered ${status}`)
    }
    listener.opened()
    for await (const line of readLines(body)) {
      heard()
      listener.signal(JSON.parse(line) as WorkerSignal)
    }
  } finally {
    clearTimeout(timer)
  }
}
