import type { Config } from '../config/read-config.ts'
import { type CredentialsDeps, openRegistryCredential } from '../credentials/index.ts'
import type { WorkerArtifactRoutesDeps } from '../http/platform/routes/worker-artifacts.ts'
import { choosePublisher, findArtifactStep } from '../runs/index.ts'
import { signDigest } from '../signing/index.ts'
import type { openArtifacts } from './open-artifacts.ts'
import { openAwsKeys, openGitHubToken, openNpmToken } from './open-publisher-logins.ts'

/** What workers of other machines are given to make artifacts with. */
export function openWorkerArtifacts(
  config: Config,
  credentials: CredentialsDeps,
  artifacts: ReturnType<typeof openArtifacts>,
): WorkerArtifactRoutesDeps['workerArtifacts'] {
  const { registries, serverPublishers: ofServer, signingKey: key } = artifacts
  return {
    registries,
    sign: key === null ? null : (input) => signDigest(key, input),
    async publishersOf({ task_id: taskId, repository }) {
      const step = await findArtifactStep(credentials, { taskId })
      const names = step?.artifact.publishers ?? []
      const from = { repository, own: step?.publishers ?? [], ofServer }
      return names.map((name) => choosePublisher(name, from))
    },
    async openLogin(use, input) {
      switch (use.kind) {
        case 'registry':
          return { kind: 'registry', ...(await openRegistryCredential(credentials, input)) }
        case 'bucket': {
          const { endpoint } = use
          return { kind: 'bucket', ...(await openAwsKeys(credentials, { ...input, endpoint })) }
        }
        case 'npm': {
          const { registry } = use
          return { kind: 'npm', token: await openNpmToken(credentials, { ...input, registry }) }
        }
        case 'github': {
          const { repository } = use
          const token = await openGitHubToken(credentials, { ...input, repository })
          return { kind: 'github', token, apiUrl: config.github.apiUrl }
        }
      }
    },
  }
}
