import type { ApprovalsDeps } from '../../packages/server/src/approvals/index.ts'
import {
  type EnvironmentPolicy,
  readEnvironments,
} from '../../packages/server/src/config/environments.ts'
import { openEnvironments } from '../../packages/server/src/environments/index.ts'
import { createTestApp, type TestApp } from './http.ts'
import type { TestDatabase } from './database.ts'

/** `environments` as slipway.yaml would say them. */
export function configuredEnvironments(environments: object = {}): readonly EnvironmentPolicy[] {
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

/** The application with environments, approvals and runs that have no worker. */
export async function createApprovalsApp(environments: object = {}): Promise<TestApp> {
  return createTestApp({}, (db) => {
    const approvals = approvalsDeps(db, environments)
    const runs = { ...approvals, stopJobs: () => {} }
    return { approvals, environments: approvals.environments, runs }
  })
}
