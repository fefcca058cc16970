import type {
  BeginDelegationResponse,
  FindUnfinishedResponse,
  RunnerConfigurationResponse,
} from '@slipway/contract/worker-delegations'
import {
  containerLabels,
  type DelegationAttempt,
  type DelegationControl,
} from '../runners/index.ts'
import type { WorkerClient } from './http/open-worker-client.ts'
import { attemptPath, workerPath } from './paths.ts'
import { sendableText } from './sendable-text.ts'

const mostIds = 10_000
const reasonLength = 10_000

/**
 * What a worker without the database tells of delegations and asks for them. `owner` is its data directory,
 * whose the containers are that it starts.
 */
export function createRemoteDelegations(
  client: WorkerClient,
  own: { workerId: string; owner: string },
): DelegationControl {
  return {
    async beginDelegation({ claim }) {
      const path = `${attemptPath(claim)}/delegation`
      const answer = await client.ask<BeginDelegationResponse>('POST', path, { repeat: 'unsent' })
      const attempt = answer.attempt as DelegationAttempt
      const labels = { ...attempt.spec.labels, [containerLabels.owner]: own.owner }
      return { ...attempt, spec: { ...attempt.spec, labels } }
    },
    openRunnerConfiguration({ claim }, signal) {
      const path = `${attemptPath(claim)}/delegation/configuration`
      return client.ask<RunnerConfigurationResponse>('POST', path, {
        repeat: 'unsent',
        answerMs: 60_000,
        signal,
      })
    },
    async reportDelegationNotStarted({ claim }) {
      const path = `${attemptPath(claim)}/delegation/not-started`
      await client.ask('POST', path, { repeat: 'always' })
    },
    async reportDelegationRunning({ claim, containerId }) {
      const path = `${attemptPath(claim)}/delegation/running`
      await client.ask('POST', path, { body: { containerId }, repeat: 'always' })
    },
    async completeDelegation({ claim, result }) {
      const { reason } = result
      const told = reason === null ? null : sendableText(reason, reasonLength)
      const body = { result: { ...result, reason: told } }
      const path = `${attemptPath(claim)}/delegation/result`
      await client.ask('POST', path, { body, repeat: 'always' })
    },
    async findUnfinished(ids) {
      const unfinished: string[] = []
      const path = `${workerPath(own.workerId)}/unfinished-delegations`
      for (let at = 0; at < ids.length; at += mostIds) {
        const body = { delegations: ids.slice(at, at + mostIds) }
        const answer = await client.ask<FindUnfinishedResponse>('POST', path, {
          body,
          repeat: 'always',
        })
        unfinished.push(...answer.delegations)
      }
      return unfinished
    },
  }
}
