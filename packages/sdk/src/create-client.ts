import type { Health } from '@slipway/contract/health'
import {
  auditApi,
  type AuditApi,
  ticketsApi,
  type TicketsApi,
  tokensApi,
  type TokensApi,
} from './access.ts'
import { approvalsApi, type ApprovalsApi } from './approvals.ts'
import { batchApi, type BatchApi } from './batch.ts'
import { brandingApi, type BrandingApi } from './branding.ts'
import { buildsApi, type BuildsApi } from './builds.ts'
import { configurationsApi, type ConfigurationsApi } from './configurations.ts'
import { credentialsApi, type CredentialsApi } from './credentials.ts'
import { deploymentsApi, type DeploymentsApi } from './deployments.ts'
import { dispatchesApi, type DispatchesApi } from './dispatches.ts'
import { environmentsApi, type EnvironmentsApi } from './environments.ts'
import { eventsApi, type EventsApi } from './events.ts'
import { jobsApi, type JobsApi } from './jobs.ts'
import { overviewApi, type OverviewApi } from './overview.ts'
import { pullRequestsApi, type PullRequestsApi } from './pull-requests.ts'
import { pipelinesApi, type PipelinesApi } from './pipelines.ts'
import { registriesApi, type RegistriesApi } from './registries.ts'
import { releasesApi, type ReleasesApi } from './releases.ts'
import { repositoriesApi, type RepositoriesApi } from './repositories.ts'
import { retentionApi, type RetentionApi } from './retention.ts'
import { runnersApi, type RunnersApi } from './runners.ts'
import { runsApi, type RunsApi } from './runs.ts'
import { searchApi, type SearchApi } from './search.ts'
import { secretsApi, type SecretsApi } from './secrets.ts'
import { sessionApi, type SessionApi } from './session.ts'
import { stepsApi, type StepsApi, tasksApi, type TasksApi } from './steps.ts'
import { type CallOptions, type ClientOptions, createTransport } from './transport.ts'
import { webhooksApi, type WebhooksApi } from './webhooks.ts'
import { workersApi, type WorkersApi } from './workers.ts'

/** Slipway's APIs. Every call rejects with a `SlipwayError`, or its signal's reason. */
export interface SlipwayClient {
  readonly runs: RunsApi
  readonly dispatches: DispatchesApi
  readonly tasks: TasksApi
  readonly steps: StepsApi
  readonly releases: ReleasesApi
  readonly deployments: DeploymentsApi
  readonly environments: EnvironmentsApi
  readonly approvals: ApprovalsApi
  readonly overview: OverviewApi
  readonly batch: BatchApi
  readonly tokens: TokensApi
  readonly tickets: TicketsApi
  readonly session: SessionApi
  readonly audit: AuditApi
  readonly events: EventsApi
  readonly search: SearchApi
  readonly webhooks: WebhooksApi
  readonly workers: WorkersApi
  readonly pullRequests: PullRequestsApi
  readonly retention: RetentionApi
  readonly secrets: SecretsApi
  readonly credentials: CredentialsApi
  readonly repositories: RepositoriesApi
  readonly pipelines: PipelinesApi
  readonly builds: BuildsApi
  readonly branding: BrandingApi
  readonly configurations: ConfigurationsApi
  readonly registries: RegistriesApi
  readonly jobs: JobsApi
  readonly runners: RunnersApi
  /** Also of a server that says it is unhealthy (503). */
  health(options?: CallOptions): Promise<Health>
  /** What the server counts of itself, in the text format of Prometheus. */
  metrics(options?: CallOptions): Promise<string>
}

/** A client without state of its own: nothing to close, safe to share. Browsers and Node. */
export function createClient(options: ClientOptions): SlipwayClient {
  const transport = createTransport(options)
  return {
    runs: runsApi(transport),
    dispatches: dispatchesApi(transport),
    tasks: tasksApi(transport),
    steps: stepsApi(transport),
    releases: releasesApi(transport),
    deployments: deploymentsApi(transport),
    environments: environmentsApi(transport),
    approvals: approvalsApi(transport),
    overview: overviewApi(transport),
    batch: batchApi(transport),
    tokens: tokensApi(transport),
    tickets: ticketsApi(transport),
    session: sessionApi(transport),
    audit: auditApi(transport),
    events: eventsApi(transport),
    search: searchApi(transport),
    webhooks: webhooksApi(transport),
    workers: workersApi(transport),
    pullRequests: pullRequestsApi(transport),
    retention: retentionApi(transport),
    secrets: secretsApi(transport),
    credentials: credentialsApi(transport),
    repositories: repositoriesApi(transport),
    pipelines: pipelinesApi(transport),
    builds: buildsApi(transport),
    branding: brandingApi(transport),
    configurations: configurationsApi(transport),
    registries: registriesApi(transport),
    jobs: jobsApi(transport),
    runners: runnersApi(transport),
    async health({ signal } = {}) {
      return (await transport.json({ path: 'health', signal, accept: [503] })) as Health
    },
    async metrics({ signal } = {}) {
      const headers = { accept: 'text/plain' }
      return (await transport.open({ path: 'api/metrics', headers, signal })).text()
    },
  }
}
