import { type DeploymentsDeps, deployUnasked } from '../deployments/index.ts'
import { createRunRelease, type ReleasesDeps } from '../releases/index.ts'
import {
  beginAttempt,
  completeDiscovery,
  locateRunRepository,
  readRunSecrets,
  reportWork,
  type RunsDeps,
  storeArtifact,
} from '../runs/index.ts'
import type { ControlPlane } from '../worker/index.ts'
import type { OpenedSecrets } from './open-secrets.ts'

/** What workers tell of the jobs of runs and ask for them: those of this process, and those that come by HTTP. */
export function openControl(opened: {
  runs: RunsDeps
  vaulted: Pick<OpenedSecrets, 'secrets' | 'repositories'>
  deployments: DeploymentsDeps
  releases: ReleasesDeps
}): ControlPlane {
  const { runs, vaulted, deployments, releases } = opened
  return {
    completeDiscovery: (input) => completeDiscovery(runs, input),
    locateRepository: (input) => locateRunRepository(vaulted.repositories, input),
    beginAttempt: (input) => beginAttempt(runs, input),
    readSecrets: (input) => readRunSecrets(vaulted.secrets, input),
    reportWork: ({ taskId, report }) => reportWork(runs, { principal: null, taskId, report }),
    deploy: ({ releaseId, environment }) => deployUnasked(deployments, { releaseId, environment }),
    completeArtifact: ({ taskId, attempt, artifact }) =>
      storeArtifact(runs, { taskId, attempt, artifact }),
    createRelease: (input, signal) => createRunRelease(releases, input, signal),
  }
}
