import { Approval, type CreateApprovalResponse } from '@slipway/contract/approvals'
import Value from 'typebox/value'
import type { ApprovalsDeps } from '../../packages/server/src/approvals/index.ts'
import {
  type EnvironmentPolicy,
  readEnvironments,
} from '../../packages/server/src/config/environments.ts'
import { openEnvironments } from '../../packages/server/src/environments/index.ts'
import { createTestApp, type TestApp } from './http.ts'
import type { TestDatabase } from './database.ts'

/** `environments` as slipway.yaml would say them. */
function configuredEnvironments(environments: object = {}): readonly EnvironmentPolicy[] {
  return readEnvironments(environments, (problem) => {
    throw new Error(problem)
  })
}

/** What the room of approvals needs, with nobody to wake. */
export function approvalsDeps(db: TestDatabase['db'], environments: object = {}): ApprovalsDeps {
  return {
    db,
    wakeEvents: () => {},
    wakeJobs: () => {},
    environments: openEnvironments(configuredEnvironments(environments)),
  }
}

interface Asked {
  environment?: string
  justification?: string
  /** Default: the administrator's. */
  token?: string
}

/** The application with environments, approvals and runs that have no worker. */
export interface ApprovalsApp extends TestApp {
  approve(releaseId: string, asked?: Asked): ReturnType<TestApp['request']>
  /** The same, and it is an approval. */
  approved(releaseId: string, asked?: Asked): Promise<CreateApprovalResponse>
  /** What is shown of the release and environment (default: production). */
  shown(releaseId: string, environment?: string): Promise<Approval>
  revoke(id: string, token?: string): ReturnType<TestApp['request']>
  /** As if a day had passed since the approval. */
  expire(id: string): Promise<void>
  /** What was told of a release, in order. */
  eventsOf(releaseId: string): Promise<{ event_type: string; repository: string; data: unknown }[]>
}

export async function createApprovalsApp(environments: object = {}): Promise<ApprovalsApp> {
  const test = await createTestApp({}, (db) => {
    const approvals = approvalsDeps(db, environments)
    const runs = { ...approvals, stopJobs: () => {} }
    return { approvals, environments: approvals.environments, runs }
  })
  const approve: ApprovalsApp['approve'] = (release_id, asked = {}) => {
    const { environment = 'production', justification = 'string', token } = asked
    const body = { release_id, environment, justification }
    return test.request('POST', '/v1/approvals', {
      body,
      ...(token === undefined ? {} : { token }),
    })
  }
  return {
    ...test,
    approve,
    async approved(releaseId, asked) {
      const answer = await approve(releaseId, asked)
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return answer.json()
    },
    async shown(releaseId, environment = 'production') {
      const answer = await test.request('GET', `/v1/approvals/${releaseId}/${environment}`)
      if (!Value.Check(Approval, answer.json())) throw new Error(answer.body)
      return answer.json()
    },
    revoke: (id, token) =>
      test.request('DELETE', `/v1/approvals/${id}`, token === undefined ? {} : { token }),
    async expire(id) {
      await test.database.pool.query(
        `update approvals set approved_at = approved_at - interval '25 hours',
           expires_at = now() - interval '1 second' where id = $1`,
        [id],
      )
    },
    async eventsOf(releaseId) {
      const { rows } = await test.database.pool.query<{
        event_type: string
        repository: string
        data: unknown
      }>(
        `select event_type, repository, data from events
         where data->>'release_id' = $1 order by id`,
        [releaseId],
      )
      return rows
    },
  }
}
