import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { StepReport, WorkReport } from '../runs/index.ts'
import type { ControlPlane } from './control-plane.ts'

/**
 * Milliseconds that news waits for more of it. A step that is over sooner is reported once, as
 * ended, which spares the control plane a transaction for every short step.
 */
const gatherMs = 15

/** Milliseconds between two tries of a report that got no answer: a control plane that is away comes back. */
const firstPauseMs = 100
const longestPauseMs = 5_000

/**
 * Sends a task's progress in order without holding the work back: what happens within a moment, or
 * while a report is under way, goes into the next report together.
 */
export interface ProgressReporter {
  step(report: StepReport): void
  /** Says nothing more: whoever took the work away decides what becomes of it. */
  silence(): void
  /** The last word: sends what is left and resolves when the control plane has it. */
  finish(task: NonNullable<WorkReport['task']>): Promise<void>
}

/** `onRefused` is called once when a report is refused; nothing is sent after that. */
export function createProgressReporter(
  control: Pick<ControlPlane, 'reportWork'>,
  input: { taskId: string; claim: JobClaim; attempt: number },
  onRefused: (error: unknown) => void,
): ProgressReporter {
  // A step may start and end before the next report: the newest word about it is enough.
  let pending = new Map<string, StepReport>()
  let task: WorkReport['task']
  let sending: Promise<void> | null = null
  let refusal: { error: unknown } | null = null
  const silenced = new AbortController()
  let gathering: NodeJS.Timeout | null = null

  async function sendAll(): Promise<void> {
    while (
      !silenced.signal.aborted &&
      refusal === null &&
      (pending.size > 0 || task !== undefined)
    ) {
      const report: WorkReport = {
        attempt: input.attempt,
        steps: [...pending.values()],
        // Until the last word there is more to come, whatever has become of the steps.
        task: task ?? { status: 'running' },
      }
      pending = new Map()
      task = undefined
      try {
        await persist(report)
      } catch (error) {
        refusal = { error }
        onRefused(error)
      }
    }
  }

  /** Repeats a report that got no answer until it has one; the work goes on meanwhile. */
  async function persist(report: WorkReport): Promise<void> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        await control.reportWork({ taskId: input.taskId, claim: input.claim, report })
        return
      } catch (error) {
        if (error instanceof AppError || silenced.signal.aborted) throw error
        await pause(pauseMs, undefined, { signal: silenced.signal }).catch(() => undefined)
      }
    }
  }

  function send(): Promise<void> {
    if (gathering !== null) clearTimeout(gathering)
    gathering = null
    sending ??= sendAll().finally(() => {
      sending = null
    })
    return sending
  }

  return {
    step(report) {
      pending.set(report.id, report)
      gathering ??= setTimeout(() => void send(), gatherMs)
    },
    silence() {
      silenced.abort()
      if (gathering !== null) clearTimeout(gathering)
    },
    async finish(end) {
      task = end
      await send()
      // What was added while the last report was under way.
      await send()
      if (refusal !== null) throw refusal.error
    },
  }
}
