import type {
  BeginBuildResponse,
  BuildRegistryResponse,
  FindUnneededImagesResponse,
} from '@slipway/contract/worker-builds'
import type { BuildAttempt, BuildControl } from '../builds/index.ts'
import type { WorkerClient } from './http/open-worker-client.ts'
import { attemptPath, workerPath } from './paths.ts'
import { sendableText } from './sendable-text.ts'

const mostIds = 10_000

/** What a worker without the database tells of builds and asks for them. */
export function createRemoteBuilds(client: WorkerClient, workerId: string): BuildControl {
  return {
    async beginBuild({ claim }) {
      const path = `${attemptPath(claim)}/build`
      const answer = await client.ask<BeginBuildResponse>('POST', path, { repeat: 'unsent' })
      return answer.attempt as BuildAttempt
    },
    async reportBuildStep({ claim, step, status, progress, commitSha }) {
      const body = { step, status, progress, commitSha }
      // Whoever reports tries again, and knows when that has no more meaning.
      await client.ask('POST', `${attemptPath(claim)}/build/step`, { body, repeat: 'never' })
    },
    async openBuildRegistry({ claim }) {
      const path = `${attemptPath(claim)}/build/registry`
      const answer = await client.ask<BuildRegistryResponse>('POST', path, { repeat: 'always' })
      return answer.login
    },
    async completeBuild({ claim, result }) {
      const sent =
        result.status === 'failed' ? { ...result, error: sendableText(result.error) } : result
      const body = { result: sent }
      // A refusal after an answer that was lost means something else than one at once.
      await client.ask('POST', `${attemptPath(claim)}/build/result`, { body, repeat: 'never' })
    },
    async findUnneededImages(ids) {
      const unneeded: string[] = []
      const path = `${workerPath(workerId)}/unneeded-images`
      for (let at = 0; at < ids.length; at += mostIds) {
        const body = { jobs: ids.slice(at, at + mostIds) }
        const options = { body, repeat: 'always' } as const
        const { jobs } = await client.ask<FindUnneededImagesResponse>('POST', path, options)
        unneeded.push(...jobs)
      }
      return unneeded
    },
  }
}
