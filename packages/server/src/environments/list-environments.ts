import type { Environment, ListEnvironmentsResponse } from '@slipway/contract/environments'
import type { Kysely } from 'kysely'
import type { EnvironmentPolicy } from '../config/environments.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { findRelease } from './find-release.ts'
import type { Environments } from './open-environments.ts'

/** All environments; with a release, as they are for that one. */
export async function listEnvironments(
  deps: { db: Kysely<Tables>; environments: Environments },
  input: { principal: Principal; releaseId: string | undefined },
): Promise<ListEnvironmentsResponse> {
  const { db, environments } = deps
  const { principal, releaseId } = input
  const policies = environments.list()
  if (releaseId === undefined) return { environments: policies.map(toEnvironment) }
  const release = await findRelease(db, { principal, releaseId })
  const tightened = policies.map(({ name }) => environments.policyFor(name, release.environments))
  return { environments: tightened.map(toEnvironment) }
}

function toEnvironment(policy: EnvironmentPolicy): Environment {
  const { approval, branches, repositoryBranches, triggers } = policy
  return {
    name: policy.name,
    approval: {
      required: approval.required,
      approvals: approval.approvals,
      roles: [...approval.roles],
      expires_seconds: Math.floor(approval.expiresMs / 1000),
      self_approval: approval.selfApproval,
    },
    branches: [...branches],
    ...(repositoryBranches === null ? {} : { repository_branches: [...repositoryBranches] }),
    triggers: [...triggers],
    auto_deploy: policy.autoDeploy,
    log_retention_days: policy.logRetentionDays,
  }
}
