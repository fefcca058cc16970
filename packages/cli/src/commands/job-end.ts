import type { DelegatedJob, DelegationStatus } from '@slipway/contract/delegations'
import type { LogLine } from '@slipway/sdk'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatDuration, formatSpan } from '../render/format-time.ts'
import { terminalLine, terminalWord } from '../render/terminal-text.ts'

export const jobStatuses: readonly DelegationStatus[] = [
  'queued',
  'assigned',
  'running',
  'completed',
  'failed',
  'cancelled',
]

/** In front of each line of a job's log. */
const stamp = /^(\d{4}-\d\d-\d\dT[\d:.]{8,20}Z) /

/** How it ended, or that it has not. */
export function outcomeOf({ status }: DelegatedJob): number {
  if (status === 'cancelled') return exitCodes.cancelled
  return status === 'completed' ? exitCodes.success : exitCodes.failed
}

/** A line of what there is to say of a job as it is now. */
export function describeJob(job: DelegatedJob): string {
  const { status, exitCode, metadata } = job
  const waited = status === 'running' && metadata.queueMs !== null
  const span = formatSpan({ started_at: job.startedAt, completed_at: job.completedAt }, Date.now())
  const words = [
    `job ${job.id}`,
    status,
    waited ? `after ${formatDuration(metadata.queueMs ?? 0)}` : '',
    job.completedAt === null ? '' : span,
    exitCode === null ? '' : `exit code ${exitCode}`,
    metadata.reason ?? '',
  ]
  return words.filter(Boolean).map(terminalWord).join('  ')
}

/** Splits a line of a log into its time and what was written. */
export function splitStamp(line: string): { begin: string; timestamp: string | null } {
  const [begin = '', timestamp = null] = stamp.exec(line) ?? []
  return { begin, timestamp }
}

/** A line for people where it is a terminal; into a file or a pipe goes what the server wrote, byte for byte. */
export async function writeLogLine({ io, styles }: Context, line: string): Promise<void> {
  if (!io.out.isTerminal) return io.out.write(`${line}\n`)
  const { begin } = splitStamp(line)
  const shown = terminalLine(line.slice(begin.length), styles.enabled)
  return io.out.write(`${styles.dim(begin)}${shown}\n`)
}

/** A line of a log that is followed: for people or pipes as above, or as JSON with its time beside it. */
export async function printFollowedLine(context: Context, followed: LogLine): Promise<void> {
  const { seq, line } = followed
  if (!context.json) return writeLogLine(context, line)
  const { begin, timestamp } = splitStamp(line)
  return printJson(context.io, {
    seq,
    timestamp: timestamp ?? followed.timestamp,
    line: line.slice(begin.length),
  })
}
