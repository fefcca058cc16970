import type { StepReport, WorkReport } from '../runs/index.ts'
import type { ControlPlane } from './control-plane.ts'

/**
 * Sends a task's progress in order without holding the work back: while one report is
 * under way, later ones are put together into the next.
 */
export interface ProgressReporter {
  step(report: StepReport): void
  /** Says nothing more: whoever took the work away decides what becomes of it. */
  silence(): void
  /** The last word: sends what is left and resolves when the control plane has it. */
  finish(task: NonNullable<WorkReport['task']>): Promise<void>
}

/** `onRefused` is called once when a report fails; nothing is sent after that. */
export function createProgressReporter(
  control: Pick<ControlPlane, 'reportWork'>,
  input: { taskId: string; attempt: number },
  onRefused: (error: unknown) => void,
): ProgressReporter {
  // A step may start and end before the next report: the newest word about it is enough.
  let pending = new Map<string, StepReport>()
  let task: WorkReport['task']
  let sending: Promise<void> | null = null
  let refusal: { error: unknown } | null = null
  let silent = false

  async function sendAll(): Promise<void> {
    while (!silent && refusal === null && (pending.size > 0 || task !== undefined)) {
      const report: WorkReport = {
        attempt: input.attempt,
        steps: [...pending.values()],
        ...(task === undefined ? {} : { task }),
      }
      pending = new Map()
      task = undefined
      try {
        await control.reportWork({ taskId: input.taskId, report })
      } catch (error) {
        refusal = { error }
        onRefused(error)
      }
    }
  }

  function send(): Promise<void> {
    sending ??= sendAll().finally(() => {
      sending = null
    })
    return sending
  }

  return {
    step(report) {
      pending.set(report.id, report)
      void send()
    },
    silence() {
      silent = true
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
