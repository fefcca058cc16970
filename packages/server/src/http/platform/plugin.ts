import type { FastifyPluginAsync } from 'fastify'
import type { RouteList } from '../route-list.ts'
import { answerErrors } from './answer-errors.ts'
import { limitAnswers } from './limit-answers.ts'
import { type ApprovalRoutesDeps, approvalRoutes } from './routes/approvals.ts'
import { type AuditRoutesDeps, auditRoutes } from './routes/audit.ts'
import { type BatchRoutesDeps, batchRoutes } from './routes/batch.ts'
import { type DispatchRoutesDeps, dispatchRoutes } from './routes/dispatches.ts'
import { type DeploymentRoutesDeps, deploymentRoutes } from './routes/deployments.ts'
import { type EnvironmentRoutesDeps, environmentRoutes } from './routes/environments.ts'
import { type EventRoutesDeps, eventRoutes } from './routes/events.ts'
import { type OverviewRoutesDeps, overviewRoutes } from './routes/overview.ts'
import { releaseAliasRoutes } from './routes/release-aliases.ts'
import { type GithubWebhookDeps, githubWebhookRoutes } from './routes/github-webhook.ts'
import { type PullRequestRoutesDeps, pullRequestRoutes } from './routes/pull-requests.ts'
import { type ReleaseRoutesDeps, releaseRoutes } from './routes/releases.ts'
import { type RetentionRoutesDeps, retentionRoutes } from './routes/retention.ts'
import { type RunRoutesDeps, runRoutes } from './routes/runs.ts'
import { type SearchRoutesDeps, searchRoutes } from './routes/search.ts'
import { type SecretRoutesDeps, secretRoutes } from './routes/secrets.ts'
import { sessionRoutes } from './routes/session.ts'
import { type SignInRoutesDeps, signInRoutes } from './routes/sign-in.ts'
import { type StepLogRoutesDeps, stepLogRoutes } from './routes/step-logs.ts'
import { type TicketRoutesDeps, ticketRoutes } from './routes/tickets.ts'
import { type TokenRoutesDeps, tokenRoutes } from './routes/tokens.ts'
import { webhookDeliveryRoutes } from './routes/webhook-deliveries.ts'
import { type WebhookRoutesDeps, webhookRoutes } from './routes/webhooks.ts'
import { type WorkerArtifactRoutesDeps, workerArtifactRoutes } from './routes/worker-artifacts.ts'
import { type WorkerBuildRoutesDeps, workerBuildRoutes } from './routes/worker-builds.ts'
import {
  type WorkerDelegationRoutesDeps,
  workerDelegationRoutes,
} from './routes/worker-delegations.ts'
import { type ServerLogRoutesDeps, serverLogRoutes } from './routes/server-logs.ts'
import { type WorkerLogRoutesDeps, workerLogRoutes } from './routes/worker-logs.ts'
import { type WorkerObjectRoutesDeps, workerObjectRoutes } from './routes/worker-objects.ts'
import { workerLedgerRoutes } from './routes/worker-ledger.ts'
import { type WorkerRunRoutesDeps, workerRunRoutes } from './routes/worker-runs.ts'
import { workerSignalRoutes } from './routes/worker-signals.ts'
import { workerUpdateRoutes } from './routes/worker-updates.ts'
import { workerRoutes } from './routes/workers.ts'

/** What the routes of `/v1` need, all together. */
export type PlatformDeps = RunRoutesDeps &
  DispatchRoutesDeps &
  StepLogRoutesDeps &
  EventRoutesDeps &
  TokenRoutesDeps &
  TicketRoutesDeps &
  RetentionRoutesDeps &
  AuditRoutesDeps &
  SecretRoutesDeps &
  ReleaseRoutesDeps &
  DeploymentRoutesDeps &
  EnvironmentRoutesDeps &
  ApprovalRoutesDeps &
  OverviewRoutesDeps &
  BatchRoutesDeps &
  SearchRoutesDeps &
  WebhookRoutesDeps &
  GithubWebhookDeps &
  PullRequestRoutesDeps &
  SignInRoutesDeps &
  WorkerRunRoutesDeps &
  WorkerArtifactRoutesDeps &
  WorkerBuildRoutesDeps &
  WorkerDelegationRoutesDeps &
  WorkerLogRoutesDeps &
  WorkerObjectRoutesDeps &
  ServerLogRoutesDeps

/** Every set of routes below `/v1`; a new one is a line here, and one in route-permissions.ts for each route. */
const parts: readonly ((deps: PlatformDeps) => FastifyPluginAsync)[] = [
  runRoutes,
  dispatchRoutes,
  workerUpdateRoutes,
  workerRoutes,
  workerLedgerRoutes,
  workerSignalRoutes,
  workerRunRoutes,
  workerArtifactRoutes,
  workerBuildRoutes,
  workerDelegationRoutes,
  workerLogRoutes,
  workerObjectRoutes,
  serverLogRoutes,
  stepLogRoutes,
  eventRoutes,
  tokenRoutes,
  ticketRoutes,
  sessionRoutes,
  signInRoutes,
  auditRoutes,
  retentionRoutes,
  secretRoutes,
  releaseRoutes,
  releaseAliasRoutes,
  deploymentRoutes,
  environmentRoutes,
  approvalRoutes,
  overviewRoutes,
  batchRoutes,
  searchRoutes,
  webhookRoutes,
  webhookDeliveryRoutes,
  githubWebhookRoutes,
  pullRequestRoutes,
]

/** The family `/v1`: runs, releases, approvals, deployments, and access to them. */
export function platformPlugin(deps: PlatformDeps, routes: RouteList): FastifyPluginAsync {
  return async (app) => {
    answerErrors(app, routes)
    limitAnswers(app)
    for (const part of parts) await app.register(part(deps))
  }
}
