import type { WorkStatus } from '@slipway/contract/runs'

/** A status that somebody who does the work can report. */
export type Reported = Exclude<WorkStatus, 'pending'>

/** What became of a task and its steps, as the one who does the work says it. */
export interface WorkReport {
  /** The attempt that is reported on; one that is not the newest is refused. Absent: the newest. */
  attempt?: number
  task?: { status: Reported; error?: string | undefined }
  steps?: readonly StepReport[]
}

export interface StepReport {
  id: string
  status: Reported
  exitCode?: number | undefined
  error?: string | undefined
  logKey?: string | undefined
}
