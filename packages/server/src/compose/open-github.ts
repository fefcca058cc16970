import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { Tracer } from '../correlation.ts'
import type { EventFeed } from '../events/index.ts'
import {
  createDeliveryWriter,
  type GithubDeps,
  matchRepositories,
  type RunningGithub,
  startGithub,
} from '../github/index.ts'
import type { WorkflowDeliveries } from '../monitor/index.ts'
import type { GitHub } from '../ports/github.ts'
import type { Resources } from '../resources.ts'
import type { RunsDeps } from '../runs/index.ts'

/**
 * GitHub, where the settings say how; `start` begins to act on deliveries and to tell it what happens,
 * once it is known where clients reach us.
 */
export function openGithub(
  config: Config,
  log: Logger,
  opened: {
    unitOfWork: RunsDeps
    feed: EventFeed
    /** Id of this process's worker. */
    holder: string
    /** Null: GitHub is told nothing. */
    port: GitHub | null
    workflows: WorkflowDeliveries | null
    tracer: Tracer | null
  },
  resources: Resources,
): { github: GithubDeps; start(publicUrl: string): void } {
  const { unitOfWork, feed, holder, port, workflows, tracer } = opened
  const { db, wakeEvents, wakeJobs, orchestratedBy = 'server' } = unitOfWork
  const { webhookSecret, webhookRepositories } = config.github
  let running: RunningGithub | null = null
  const github: GithubDeps = {
    db,
    wakeEvents,
    wakeJobs,
    orchestratedBy,
    webhookSecret,
    storeDelivery: createDeliveryWriter({ db }),
    wants: matchRepositories(webhookRepositories),
    github: port,
    workflows,
    wakeDeliveries: (event) => running?.wakeDeliveries(event),
    wakeReports: () => running?.wakeReports(),
  }
  log.info(
    {
      reports: port === null ? 'off: neither GITHUB_TOKEN nor a GitHub App is set' : port.apiUrl,
      webhook: webhookSecret === null ? 'off: GITHUB_WEBHOOK_SECRET is not set' : 'on',
    },
    'GitHub',
  )
  return {
    github,
    start(publicUrl) {
      running = startGithub({ ...github, log, holder, feed, tracer, publicUrl: () => publicUrl })
      resources.add('github', running, (started) => started.close())
    },
  }
}
