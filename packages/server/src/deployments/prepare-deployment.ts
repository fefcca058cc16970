import type { EnvironmentConfig, KubernetesResource } from '@slipway/forge'
import { type Selectable, sql, type Transaction } from 'kysely'
import { canSee } from '../access/index.ts'
import { checkApprovals } from '../approvals/index.ts'
import { currentOrigin } from '../correlation.ts'
import type { ReleasesTable, Tables } from '../db/tables.gen.ts'
import { transact } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { DeploymentsDeps } from './deps.ts'
import { deploymentPaths, type DeploymentPlace } from './manifests/deployment-paths.ts'

/** Deployments that may be under way at once (API & Operations Reference, "API Rate Limits"). */
const maxRunning = 50

/** A deployment that has a row, which nobody sees, and no commit yet. */
export interface PreparedDeployment extends DeploymentPlace {
  id: string
  deployedBy: string
  automatic: boolean
  release: ReleaseToDeploy
}

export interface ReleaseToDeploy {
  id: string
  runId: string | null
  commitSha: string
  number: number
  /** Without the numeric one, sorted. */
  aliases: string[]
  /** With its digest. */
  ociUri: string
  resources: KubernetesResource[]
}

/**
 * Stores a deployment that may be, as `preparing`, or refuses it: an unknown release or one that the
 * deployer cannot see is `resource_not_found`, an unknown environment `invalid_request`, more than
 * `maxRunning` at once `limit_exceeded`; missing approvals as `checkApprovals` says.
 */
export async function prepareDeployment(
  deps: DeploymentsDeps,
  input: {
    id: string
    /** Null: the server deploys by itself. */
    principal: Principal | null
    releaseId: string
    environment: string
    approvalId: string | undefined
  },
): Promise<PreparedDeployment> {
  const { id, principal, releaseId, environment, approvalId } = input
  return transact(deps, async ({ trx, now }) => {
    const release = await findRelease(trx, releaseId, principal)
    const { repository, project } = release
    const policy = deps.environments.policyFor(
      environment,
      release.environments as EnvironmentConfig[],
    )
    const place = { environment, repository, project }
    deploymentPaths(place)
    await refuseWhereTooMany(trx)
    const approvalIds = await checkApprovals(trx, {
      release,
      policy,
      approvalId,
      deployer: principal,
    })
    const deployedBy = principal?.name ?? release.triggered_by
    await trx
      .insertInto('deployments')
      .values({
        id,
        release_id: release.id,
        ...place,
        release_number: release.release_number,
        status: 'preparing',
        automatic: principal === null,
        approval_ids: approvalIds,
        deployed_by: deployedBy,
        holder: deps.holder,
        created_at: now,
        origin: currentOrigin(),
      })
      .execute()
    const deployed = await toRelease(trx, release)
    return { id, ...place, deployedBy, automatic: principal === null, release: deployed }
  })
}

/** A release, if the deployer may see it. */
export async function findRelease(
  trx: Transaction<Tables>,
  id: string,
  principal: Principal | null,
): Promise<Selectable<ReleasesTable>> {
  const release = await trx
    .selectFrom('releases')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (release !== undefined && (principal === null || canSee(principal, release.repository))) {
    return release
  }
  throw new AppError('resource_not_found', `There is no release ${id}`)
}

export async function toRelease(
  trx: Transaction<Tables>,
  release: Selectable<ReleasesTable>,
): Promise<ReleaseToDeploy> {
  const aliases = await trx
    .selectFrom('release_aliases')
    .select('alias')
    .where('release_id', '=', release.id)
    .orderBy('alias')
    .limit(1000)
    .execute()
  return {
    id: release.id,
    runId: release.run_id,
    commitSha: release.commit_sha,
    number: release.release_number,
    aliases: aliases.map(({ alias }) => alias),
    ociUri: `${release.oci_uri}@${release.oci_digest}`,
    resources: release.resources as KubernetesResource[],
  }
}

/** One at a time, so that as many as the limit says get in and not one more. */
async function refuseWhereTooMany(trx: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('slipway: deployments', 0))`.execute(trx)
  const { rows } = await sql<{ running: number }>`
    select count(*)::integer as running from deployments
     where status = 'preparing' or (status = 'pending' and failed_at is null)`.execute(trx)
  if ((rows[0]?.running ?? 0) < maxRunning) return
  throw new AppError(
    'limit_exceeded',
    `${maxRunning} deployments are under way, as many as there may be`,
    { limit: maxRunning },
  )
}
