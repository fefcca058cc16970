import type { Duty, DutyDeps } from '../duties/index.ts'
import type { EventFeed } from '../events/index.ts'
import { workflowEvents } from '../monitor/index.ts'
import type { GithubDeps } from './deps.ts'
import { startHandling } from './handle-deliveries.ts'
import { startHandlingWorkflows } from './handle-workflow-deliveries.ts'
import { startPruning } from './prune-github.ts'
import type { ReportDeps } from './report-deps.ts'
import { startReadingEvents } from './report-events.ts'
import { startSending } from './send-reports.ts'

/** What a server does for GitHub without being asked. */
export interface RunningGithub {
  /** There may be a delivery of this event to act on. */
  wakeDeliveries(event: string): void
  /** There may be something to tell. */
  wakeReports(): void
  /** Ends everything; what is left is done by whoever comes next. Never rejects. */
  close(): Promise<void>
}

/**
 * Acts on deliveries where a secret for them is set, and tells GitHub what happens where there is a way
 * to; neither needs the other.
 */
export function startGithub(
  deps: GithubDeps &
    DutyDeps &
    Pick<ReportDeps, 'tracer'> & { feed: EventFeed; publicUrl: () => string },
): RunningGithub {
  const { github, webhookSecret, workflows } = deps
  const handling = webhookSecret === null ? null : startHandling(deps)
  const storing =
    webhookSecret === null || workflows === null
      ? null
      : startHandlingWorkflows({ ...deps, workflows })
  const sending = github === null ? null : startSending({ ...deps, github })
  const wakeReports = () => sending?.wake()
  const reading = sending === null ? null : startReadingEvents({ ...deps, wakeReports })
  const pruning = handling === null && sending === null ? null : startPruning(deps)
  const duties = [handling, storing, reading, sending, pruning].filter(
    (duty): duty is Duty => duty !== null,
  )
  return {
    wakeDeliveries: (event) => (workflowEvents.includes(event) ? storing : handling)?.wake(),
    wakeReports,
    async close() {
      await Promise.all(duties.map((duty) => duty.close()))
    },
  }
}
