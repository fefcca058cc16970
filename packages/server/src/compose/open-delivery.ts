import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { GitHub } from '../ports/github.ts'
import type { Resources } from '../resources.ts'
import { openApprovals } from './open-approvals.ts'
import { openArtifacts, openSigningKey } from './open-artifacts.ts'
import { openDeployments } from './open-deployments.ts'
import type { Foundation } from './open-foundation.ts'
import { openRegistries } from './open-registries.ts'
import { openReleases } from './open-releases.ts'

/** What takes a run's results to production: artifacts, releases, approvals, deployments. */
export async function openDelivery(
  config: Config,
  log: Logger,
  opened: Foundation & {
    /** Who asks GitHub for publishers without credentials; null: nobody. */
    github: GitHub | null
    version: string
    /** Where this server is reached, once it listens. */
    url: () => string
  },
  resources: Resources,
) {
  const { store, objects, credentials, repositories, mirrors, vault, feed, jobs } = opened
  const { version, url } = opened
  const unitOfWork = jobs.runs
  const holder = jobs.workerId
  const { embedded, registries, checks } = openRegistries(
    config,
    log,
    { store, objects, credentials, holder, url },
    resources,
  )
  const signingKey = await openSigningKey(config)
  const artifacts = openArtifacts(config, {
    objects,
    registries,
    credentials,
    signingKey,
    github: { apiUrl: config.github.apiUrl, own: opened.github },
    version,
  })
  const releases = openReleases({
    unitOfWork,
    registry: registries.home,
    mirrors,
    repositories,
    signingKey,
    publishers: config.publishers,
  })
  const approvals = openApprovals(config, unitOfWork)
  const { environments } = approvals
  const deployments = await openDeployments(
    config,
    log,
    { unitOfWork, feed, environments, vault, holder },
    resources,
  )
  return { embedded, checks, artifacts, releases, approvals, deployments }
}
