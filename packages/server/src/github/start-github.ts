import type { Duty, DutyDeps } from '../duties/index.ts'
import type { EventFeed } from '../events/index.ts'
import type { GithubDeps } from './deps.ts'
import { startHandling } from './handle-deliveries.ts'
import { startPruning } from './prune-github.ts'
import { startReadingEvents } from './report-events.ts'
import { startSending } from './send-reports.ts'

/** What a server does for GitHub without being asked. */
export interface RunningGithub {
  /** There may be a delivery to act on. */
  wakeDeliveries(): void
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
  deps: GithubDeps & DutyDeps & { feed: EventFeed; publicUrl: () => string },
): RunningGithub {
  const { github, webhookSecret } = deps
  const handling = webhookSecret === null ? null : startHandling(deps)
  const sending = github === null ? null : startSending({ ...deps, github })
  const wakeReports = () => sending?.wake()
  const reading = sending === null ? null : startReadingEvents({ ...deps, wakeReports })
  const pruning = handling === null && sending === null ? null : startPruning(deps)
  const duties = [handling, reading, sending, pruning].filter((duty): duty is Duty => duty !== null)
  return {
    wakeDeliveries: () => handling?.wake(),
    wakeReports,
    async close() {
      await Promise.all(duties.map((duty) => duty.close()))
    },
  }
}
