import type { SlipwayClient } from '@slipway/sdk'
import { until } from './until.ts'
import type { People } from './hire-people.ts'

interface RunWanted {
  repository: string
  commit: string
  /** Default: main. */
  branch?: string
  /** Default: a push. */
  trigger?: 'push' | 'manual'
}

/** Starts a run of a commit, and waits until it has ended. */
export async function takeThroughRun(client: SlipwayClient, of: RunWanted): Promise<string> {
  const { id } = await beginRun(client, of)
  await until('the end of a run', async () => (await client.runs.get(id)).completed_at !== null)
  return id
}

export function beginRun(
  client: SlipwayClient,
  { repository, commit, branch = 'main', trigger = 'push' }: RunWanted,
) {
  return client.runs.create({ repository, branch, commit_sha: commit, trigger_type: trigger })
}

/** Deploys what a commit released, once it is released, and waits until it is there. */
export async function shipTo(
  { jonas, priya, mara }: People,
  of: { repository: string; project: string; commit: string },
  environment: 'staging' | 'production',
  why?: string,
): Promise<void> {
  const release = await mara.releases.get({ ...of, release: of.commit })
  let approval: string | undefined
  if (why !== undefined) {
    for (const approver of [jonas, priya]) {
      const made = await approver.approvals.create({
        release_id: release.id,
        environment,
        justification: why,
      })
      approval = made.approval_id
    }
  }
  const { id } = await mara.deployments.create({
    release_id: release.id,
    environment,
    ...(approval === undefined ? {} : { approval_id: approval }),
  })
  await until(`${of.project} in ${environment}`, async () => {
    const { status } = await mara.deployments.get(id)
    return status !== 'pending'
  })
}

/** Waits until a commit's release is in dev, where it goes by itself. */
export async function arrivedInDev(
  { mara }: People,
  of: { repository: string; project: string; commit: string },
): Promise<void> {
  const { repository, project, commit } = of
  await until(`${project} in dev`, async () => {
    const release = await mara.releases
      .get({ repository, project, release: commit })
      .catch(() => null)
    if (release === null) return false
    const there = await mara.deployments
      .current({ environment: 'dev', repository, project })
      .catch(() => null)
    return there?.release_id === release.id && there?.status === 'active'
  })
}
