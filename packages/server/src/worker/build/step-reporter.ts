import type { BuildStepKey, BuildStepStatus } from '@slipway/contract/builds'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { BuildControl } from '../../builds/index.ts'
import { AppError } from '../../errors.ts'

/** What is said of a step. */
export interface StepNews {
  step: BuildStepKey
  status: BuildStepStatus
  progress: number | null
  commitSha?: string
}

/** Milliseconds between two reports of nothing but progress. */
const progressMs = 500
/** Milliseconds between two tries of a report that got no answer: a control plane that is away comes back. */
const firstPauseMs = 100
const longestPauseMs = 5_000

/** Tells the control plane of steps, in order, without holding the work back. */
export interface StepReporter {
  report(news: StepNews): void
  /** Says how far the running step is, now and then; whole percent. */
  progress(step: BuildStepKey, percent: number): void
  /** Resolves when all has been told, or nothing more is; rejects with the reason of `signal`. */
  settled(signal: AbortSignal): Promise<void>
  /** Says nothing more. */
  silence(): void
}

/** `onRefused` is called once when a report is refused; nothing is sent after that. */
export function createStepReporter(
  send: (news: StepNews) => ReturnType<BuildControl['reportBuildStep']>,
  onRefused: (error: unknown) => void,
): StepReporter {
  const waiting: StepNews[] = []
  const silenced = new AbortController()
  let sending: Promise<void> | null = null
  let shown: { step: BuildStepKey; percent: number; at: number } | null = null

  async function sendAll(): Promise<void> {
    for (let news = waiting.shift(); news !== undefined; news = waiting.shift()) {
      if (silenced.signal.aborted) return
      try {
        await persist(news)
      } catch (error) {
        if (!silenced.signal.aborted) onRefused(error)
        silenced.abort()
      }
    }
  }

  async function persist(news: StepNews): Promise<void> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        return await send(news)
      } catch (error) {
        if (error instanceof AppError || silenced.signal.aborted) throw error
        await pause(pauseMs, undefined, { signal: silenced.signal }).catch(() => undefined)
      }
    }
  }

  const report = (news: StepNews) => {
    const last = waiting.at(-1)
    // What has not been told yet of the same state is told with it.
    if (last?.step === news.step && last.status === news.status) Object.assign(last, news)
    else waiting.push({ ...news })
    sending ??= sendAll().finally(() => (sending = null))
  }

  return {
    report,
    progress(step, percent) {
      const now = performance.now()
      const isNew = shown?.step !== step
      if (!isNew && (percent <= (shown?.percent ?? 0) || now - (shown?.at ?? 0) < progressMs))
        return
      shown = { step, percent, at: now }
      report({ step, status: 'running', progress: Math.min(100, Math.max(0, Math.floor(percent))) })
    },
    async settled(signal) {
      while (sending !== null) await orAborted(sending, signal)
    },
    silence: () => silenced.abort(),
  }
}

/** A control plane that is away may be so for longer than the work may take. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const done = new AbortController()
  const aborted = once(signal, 'abort', { signal: done.signal })
  // Nobody waits for it any more once the work is done.
  aborted.catch(() => undefined)
  await Promise.race([work, aborted])
  done.abort()
  signal.throwIfAborted()
}
