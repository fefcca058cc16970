import type { BuildControl } from '../builds/index.ts'
import type { Config } from '../config/read-config.ts'
import type { CredentialsDeps } from '../credentials/index.ts'
import type { WorkerArtifactRoutesDeps } from '../http/platform/routes/worker-artifacts.ts'
import type { WorkerBuildRoutesDeps } from '../http/platform/routes/worker-builds.ts'
import type { WorkerDelegationRoutesDeps } from '../http/platform/routes/worker-delegations.ts'
import type { WorkerRunRoutesDeps } from '../http/platform/routes/worker-runs.ts'
import { openWorkLedger } from '../jobs/index.ts'
import type { DelegationControl } from '../runners/index.ts'
import type { ControlPlane } from '../worker/index.ts'
import type { openArtifacts } from './open-artifacts.ts'
import type { openJobs } from './open-jobs.ts'
import { openWorkerArtifacts } from './open-worker-artifacts.ts'

/** What workers of other machines are given by HTTP: what this server's own worker is given by calls. */
export function openWorkerRoutes(
  config: Config,
  opened: {
    jobs: Awaited<ReturnType<typeof openJobs>>
    control: ControlPlane
    builds: BuildControl
    delegations: DelegationControl
    artifacts: ReturnType<typeof openArtifacts>
    credentials: CredentialsDeps
    version: string
  },
): Omit<
  WorkerRunRoutesDeps &
    WorkerBuildRoutesDeps &
    WorkerDelegationRoutesDeps &
    WorkerArtifactRoutesDeps,
  'signal'
> {
  const { jobs, control, builds, delegations, artifacts, credentials, version } = opened
  return {
    workerLedger: { ...jobs.ledger, serverVersion: version },
    workLedger: openWorkLedger(jobs.ledger),
    workerSignals: jobs.workerSignals,
    workerSettings: () => ({
      server_version: version,
      artifact_limit_bytes: artifacts.artifactLimitBytes,
      builder: artifacts.builder.id,
      publishers: [...artifacts.serverPublishers],
      registry: artifacts.registries.home.base,
      signing_key:
        artifacts.signingKey === null
          ? null
          : artifacts.signingKey.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      plain_http_registries: [...config.oci.plainHttp],
      build_timeouts_ms: { ...config.buildTimeouts },
    }),
    workerArtifacts: openWorkerArtifacts(config, credentials, artifacts),
    workerRuns: control,
    workerBuilds: builds,
    workerDelegations: delegations,
  }
}
