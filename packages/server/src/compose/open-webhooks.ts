import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { Tracer } from '../correlation.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { EventFeed } from '../events/index.ts'
import type { Resources } from '../resources.ts'
import type { Vault } from '../secrets/index.ts'
import {
  createTargetGuard,
  startWebhooks,
  type WebhookFigures,
  type WebhooksDeps,
} from '../webhooks/index.ts'

/** What webhooks are told, and their routes' part. `holder` is the id of this process's worker. */
export function openWebhooks(
  config: Config,
  log: Logger,
  opened: {
    unitOfWork: UnitOfWorkDeps
    feed: EventFeed
    vault: Vault
    holder: string
    version: string
    tracer: Tracer | null
    figures: WebhookFigures
  },
  resources: Resources,
): { webhooks: WebhooksDeps } {
  const { unitOfWork, feed, vault, holder, version, tracer, figures } = opened
  const { db, wakeEvents, wakeJobs } = unitOfWork
  const target = createTargetGuard({ allowed: config.webhooks.allowPrivate })
  const deps = { db, wakeEvents, wakeJobs, vault, target }
  const running = startWebhooks({ ...deps, log, holder, feed, version, tracer, figures })
  resources.add('webhooks', running, (started) => started.close())
  return { webhooks: { ...deps, wakeSender: () => running.wake() } }
}
