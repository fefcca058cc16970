import type {
  BeginTaskResponse,
  DeployReleaseResponse,
  LocateRepositoryResponse,
  ReadSecretsResponse,
} from '@slipway/contract/worker-runs'
import type { Attempt, WorkReport } from '../runs/index.ts'
import type { ControlPlane } from '../worker/index.ts'
import type { WorkerClient } from './http/open-worker-client.ts'
import { attemptPath } from './paths.ts'
import { sendableText } from './sendable-text.ts'

/** Milliseconds for what discovery found, which may be large. */
const discoveryMs = 120_000

/** What a worker without the database tells of the jobs of runs and asks for them. */
export function createRemoteControl(client: WorkerClient): ControlPlane {
  return {
    async completeDiscovery({ claim, discovery }) {
      const sent = discovery.ok
        ? discovery
        : { ...discovery, message: sendableText(discovery.message) }
      await client.ask('POST', `${attemptPath(claim)}/discovery`, {
        body: { discovery: sent },
        answerMs: discoveryMs,
        repeat: 'always',
      })
    },
    async locateRepository({ claim }) {
      const path = `${attemptPath(claim)}/repository`
      const answer = await client.ask<LocateRepositoryResponse>('GET', path, { repeat: 'always' })
      return answer.location
    },
    async beginAttempt({ claim }) {
      const path = `${attemptPath(claim)}/task`
      const answer = await client.ask<BeginTaskResponse>('POST', path, { repeat: 'unsent' })
      return answer.attempt as Attempt
    },
    readSecrets({ claim, names }) {
      const path = `${attemptPath(claim)}/secrets`
      return client.ask<ReadSecretsResponse>('POST', path, { body: { names }, repeat: 'always' })
    },
    async reportWork({ claim, report }) {
      const body = { report: sendableReport(report) }
      await client.ask('POST', `${attemptPath(claim)}/report`, { body, repeat: 'always' })
    },
    async completeArtifact({ claim, attempt, artifact }) {
      const body = { attempt, artifact }
      await client.ask('POST', `${attemptPath(claim)}/artifact`, { body, repeat: 'always' })
    },
    createRelease: ({ claim }, signal) => client.work(`${attemptPath(claim)}/release`, signal),
    async deploy({ claim }) {
      const path = `${attemptPath(claim)}/deployment`
      const answer = await client.ask<DeployReleaseResponse>('POST', path, { repeat: 'always' })
      return answer.deployment
    },
  }
}

/** JSON leaves out what is undefined. */
function sendableReport({ attempt, task, steps }: WorkReport) {
  return {
    attempt,
    task: task && { ...task, error: task.error && sendableText(task.error) },
    steps: steps?.map((step) => ({ ...step, error: step.error && sendableText(step.error) })),
  }
}
