import type { DeploymentJob } from '@slipway/contract/jobs'
import type { ReleaseTriggerType } from '@slipway/contract/releases'
import type { EnvironmentConfig } from '@slipway/forge'
import type { Selectable } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { ReleasesTable } from '../db/tables.gen.ts'
import { transact } from '../db/unit-of-work.ts'
import { type Environments, mayDeployAutomatically } from '../environments/index.ts'
import { type EventConsumerDeps, startEventConsumer, type StoredEvent } from '../events/index.ts'
import type { DeploymentsDeps } from './deps.ts'

/** Milliseconds a deployment job may take ("Timeout Handling"). */
const jobTimeoutMs = 600_000
/** With the pauses in between, half an hour: nobody is there to ask again once the repository is back. */
const maxAttempts = 36

/**
 * Reads of every new release, and of every tag put on an old one, and asks for its deployment to the
 * environments whose policy says so. Doubled events ask for nothing new: a release is deployed
 * automatically once to each environment.
 */
export function startAutomaticDeployment(deps: DeploymentsDeps & EventConsumerDeps) {
  return startEventConsumer(deps, {
    name: 'automatic deployment',
    types: { exact: ['release.created', 'release.aliased'], prefixes: [] },
    handle: (event) => enqueueDeployments(deps, event),
  })
}

async function enqueueDeployments(deps: DeploymentsDeps, event: StoredEvent): Promise<void> {
  const { data } = JSON.parse(event.json) as {
    data: { release_id: string; alias_type?: string }
  }
  const byTag = event.type === 'release.aliased'
  if (byTag && data.alias_type !== 'tag') return
  await transact(deps, async (unit) => {
    const release = await unit.trx
      .selectFrom('releases')
      .selectAll()
      .where('id', '=', data.release_id)
      .executeTakeFirst()
    if (release === undefined) return
    const triggerType = byTag ? 'tag' : release.trigger_type
    const wanted = automaticEnvironments(deps.environments, release, triggerType)
    if (wanted.length === 0) return
    const made = await unit.trx
      .selectFrom('deployments')
      .select('environment')
      .where('release_id', '=', release.id)
      .where('automatic', '=', true)
      .execute()
    const done = new Set(made.map(({ environment }) => environment))
    for (const environment of wanted) {
      if (done.has(environment)) continue
      const payload: DeploymentJob = { release_id: release.id, environment }
      unit.enqueue({
        id: uuid(),
        type: 'deployment',
        subject: `pipeline.deployments.${release.id}.${environment}`,
        runId: null,
        payload,
        timeoutMs: jobTimeoutMs,
        maxAttempts,
      })
    }
  })
}

/** Where a release goes unasked, by the server's policy as the release's own commit has tightened it. */
function automaticEnvironments(
  environments: Environments,
  release: Selectable<ReleasesTable>,
  triggerType: ReleaseTriggerType,
): string[] {
  const fromForge = release.environments as EnvironmentConfig[]
  return environments
    .list()
    .map(({ name }) => environments.policyFor(name, fromForge))
    .filter((policy) => mayDeployAutomatically(policy, { triggerType, branch: release.branch }))
    .map(({ name }) => name)
}
