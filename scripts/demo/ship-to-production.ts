import type { CreateDeploymentResponse, Deployment } from '@slipway/contract/deployments'
import type { Release } from '@slipway/contract/releases'
import type { Run } from '@slipway/contract/runs'
import type { SlipwayClient } from '@slipway/sdk'
import { SlipwayError } from '@slipway/sdk'
import { type Narrator, waitFor } from './narrator.ts'
import { sampleRepository } from './prepare-repositories.ts'
import { tell } from './take-through-runs.ts'

/** Who takes part: one deploys, the other approves. */
export interface Cast {
  developer: SlipwayClient
  approver: SlipwayClient
}

export const project = 'api'

/** Takes two commits to production, and goes back to the first. */
export async function shipToProduction(
  narrator: Narrator,
  cast: Cast,
  input: { url: string; first: Run; nextCommit: string },
): Promise<{ releaseId: string; deploymentId: string }> {
  const stage = { narrator, cast, url: input.url }
  const first = await showRelease(stage, 'The run has released what it built', input.first)
  await showDevelopment(stage, first)
  await promote(stage, 'To staging, by hand', first, 'staging')
  await refuseWithoutApproval(stage, first)
  const approval = await approve(stage, first, 'The first release; staging looks fine')
  await promote(stage, 'To production, with the approval', first, 'production', approval)

  const next = await tell(narrator, cast.developer, {
    title: 'The next commit wants three replicas',
    repository: sampleRepository,
    branch: 'main',
    commit: input.nextCommit,
    expect: 'success',
  })
  const second = await showRelease(stage, 'It is a release of its own', next)
  await promote(stage, 'To staging', second, 'staging')
  const again = await approve(stage, second, 'More parcels before Christmas')
  await promote(stage, 'To production', second, 'production', again)

  const back = await promote(
    stage,
    'Three replicas were too many: back to the first release',
    first,
    'production',
    approval,
  )
  await showHistory(stage)
  return { releaseId: first.id, deploymentId: back.id }
}

interface Stage {
  narrator: Narrator
  cast: Cast
  url: string
}

async function showRelease(stage: Stage, title: string, run: Run): Promise<Release> {
  const { narrator, cast, url } = stage
  const release = await cast.developer.releases.get({
    repository: sampleRepository,
    project,
    release: run.commit_sha,
  })
  await narrator.title(title)
  await narrator.fact('release', `${sampleRepository}/${project} #${release.release_number}`)
  await narrator.fact('link', `${url}/v1/releases/${release.id}`)
  await narrator.fact('commit', release.commit_sha)
  await narrator.fact('digest', release.oci_digest)
  for (const artifact of release.artifacts) {
    await narrator.fact('artifact', `${artifact.name}  ${artifact.primary_published_uri}`)
  }
  return release
}

async function showDevelopment(stage: Stage, release: Release): Promise<void> {
  const { narrator, cast } = stage
  const current = await waitFor(
    'the automatic deployment to dev',
    async () => {
      const found = await cast.developer.deployments
        .current({ environment: 'dev', repository: sampleRepository, project })
        .catch(missing)
      return found?.release_id === release.id ? found : null
    },
    narrator.signal,
  )
  await narrator.title('It went to dev by itself')
  await narrator.fact('status', current.status)
  await narrator.fact('commit', `${current.gitops_commit_sha}  in the GitOps repository`)
}

async function refuseWithoutApproval(stage: Stage, release: Release): Promise<void> {
  const { narrator, cast } = stage
  await narrator.title('To production without an approval: refused')
  const request = { release_id: release.id, environment: 'production' }
  const refusal = await cast.developer.deployments.create(request).then(
    () => null,
    (error: unknown) => error,
  )
  if (!(refusal instanceof SlipwayError)) throw new Error('production took it unapproved')
  await narrator.fact(refusal.code, refusal.message)
}

async function approve(stage: Stage, release: Release, justification: string): Promise<string> {
  const { narrator, cast } = stage
  const approval = await cast.approver.approvals.create({
    release_id: release.id,
    environment: 'production',
    justification,
  })
  await narrator.title(`${approval.approver} approves it: ${justification}`)
  await narrator.fact('approval', approval.approval_id)
  await narrator.fact('until', approval.expires_at)
  return approval.approval_id
}

async function promote(
  stage: Stage,
  title: string,
  release: Release,
  environment: string,
  approval?: string,
): Promise<Deployment> {
  const { narrator, cast, url } = stage
  await narrator.title(title)
  const made: CreateDeploymentResponse = await cast.developer.deployments.create({
    release_id: release.id,
    environment,
    ...(approval === undefined ? {} : { approval_id: approval }),
  })
  await narrator.fact('link', `${url}/v1/deployments/${made.id}`)
  await narrator.fact('commit', `${made.gitops_commit_sha}  in the GitOps repository`)
  await narrator.fact('digest', release.oci_digest)
  const active = await waitFor(
    `${environment} with release #${release.release_number}`,
    async () => {
      const now = await cast.developer.deployments.get(made.id)
      return now.status === 'pending' ? null : now
    },
    narrator.signal,
  )
  const { green } = narrator.styles
  await narrator.fact(
    'status',
    `${green(active.status)}: ${environment} has release #${release.release_number}`,
  )
  return active
}

async function showHistory(stage: Stage): Promise<void> {
  const { narrator, cast } = stage
  await narrator.title('What production has seen')
  const place = { environment: 'production', repository: sampleRepository, project }
  const { deployments } = await cast.developer.deployments.history(place)
  for (const one of deployments) {
    const how = one.rollback ? ', rolled back' : ''
    await narrator.fact(`#${one.release_number}`, `${one.status}, by ${one.deployed_by}${how}`)
  }
}

function missing(error: unknown): null {
  if (error instanceof SlipwayError && error.status === 404) return null
  throw error
}
