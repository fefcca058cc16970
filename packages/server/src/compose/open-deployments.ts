import { join } from 'node:path'
import type { Logger } from 'pino'
import { createArgocdReconciler } from '../adapters/reconciler/argocd/create-argocd-reconciler.ts'
import { createGitReconciler } from '../adapters/reconciler/git/create-git-reconciler.ts'
import type { Config } from '../config/read-config.ts'
import { openGitAccess } from '../credentials/index.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import {
  createEmbeddedStore,
  createGitOpsRepository,
  createRemoteStore,
  type DeploymentDuties,
  type DeploymentsDeps,
  type GitOpsRepository,
  lockAcrossServers,
  startDeploymentDuties,
} from '../deployments/index.ts'
import type { Environments } from '../environments/index.ts'
import type { EventFeed } from '../events/index.ts'
import type { Reconciler } from '../ports/reconciler.ts'
import type { Resources } from '../resources.ts'
import type { Vault } from '../secrets/index.ts'

/** Milliseconds between two questions about a deployment, and for one answer. */
const times = { firstPauseMs: 1_000, longestPauseMs: 30_000, checkMs: 15_000 }

interface Opened {
  unitOfWork: UnitOfWorkDeps
  feed: EventFeed
  environments: Environments
  vault: Vault
  holder: string
}

/** The GitOps repository, the reconciler of the settings, and what is done about deployments meanwhile. */
export async function openDeployments(
  config: Config,
  log: Logger,
  opened: Opened,
  resources: Resources,
): Promise<DeploymentsDeps> {
  const gitops = resources.add('gitops', openGitOps(config, log, opened), (repository) =>
    repository.close(),
  )
  await gitops.open()
  const { db, wakeEvents, wakeJobs } = opened.unitOfWork
  let duties: DeploymentDuties | null = null
  const deployments: DeploymentsDeps = {
    db,
    wakeEvents,
    wakeJobs,
    log,
    gitops,
    environments: opened.environments,
    holder: opened.holder,
    inHand: new Set(),
    reconcilerName: config.gitops.reconciler,
    wakeDuties: () => duties?.wake(),
  }
  duties = startDeploymentDuties(
    { ...deployments, feed: opened.feed, reconciler: chooseReconciler(config, gitops) },
    { ...times, timeoutMs: config.gitops.reconcileTimeoutMs },
  )
  resources.add('deployment duties', duties, (started) => started.close())
  return deployments
}

function openGitOps(config: Config, log: Logger, opened: Opened): GitOpsRepository {
  const { url, branch, credential } = config.gitops
  if (url === null) {
    const directory = join(config.dataDir, 'gitops.git')
    // The data directory is this process's own, and so is what is in it.
    const lock = <T>(work: () => Promise<T>) => work()
    return createGitOpsRepository(createEmbeddedStore({ directory, branch }), { lock, log })
  }
  const { db } = opened.unitOfWork
  const accessDirectory = join(config.dataDir, 'git-access')
  const store = createRemoteStore({
    directory: join(config.dataDir, 'gitops-clone.git'),
    branch,
    url,
    access: () =>
      openGitAccess(
        { db, vault: opened.vault, accessDirectory },
        { url, credential: credential === null ? null : { name: credential } },
      ),
  })
  return createGitOpsRepository(store, { lock: lockAcrossServers(db), log })
}

/** Null: whoever applies the manifests says so. */
function chooseReconciler(config: Config, gitops: GitOpsRepository): Reconciler | null {
  const { reconciler, argocd } = config.gitops
  if (reconciler === 'callback') return null
  if (reconciler === 'argocd' && argocd !== null) {
    return createArgocdReconciler({ ...argocd, includes: gitops.includes })
  }
  return createGitReconciler({ contains: gitops.contains })
}
