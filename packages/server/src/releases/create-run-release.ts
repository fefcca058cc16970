import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import { collectArtifacts } from './collect-artifacts.ts'
import type { ReleasesDeps } from './deps.ts'
import { loadMade } from './load-made.ts'
import { makeRelease, type ReleaseClaim, requireClaim } from './make-release.ts'
import { automaticAlias } from './release-alias.ts'
import { findProjectInRuns, type ReleasedProject } from './released-project.ts'
import { type ReleasedRun, requireRun } from './released-run.ts'
import { resolveResources } from './resolve-resources.ts'
import { type ExistingRelease, findExisting } from './store-release.ts'
import { addAutomaticAlias, announceAlias } from './write-alias.ts'

/** What became of a run's release. */
export interface RunRelease {
  /** False: the commit had a release already, which at most got an alias. */
  created: boolean
  id: string
  number: number
  uri: string
  digest: string
  /** Aliases that it has got now, besides its number. */
  aliases: string[]
}

/** Who makes the releases of runs. */
const ownName = 'slipway'

/**
 * Makes the release that a run's task is for. A commit that has one already gets the alias of the
 * run's tag or branch, which makes another attempt, and a tag on a released commit, a success.
 * A `resource_conflict` of which `isClaimLost` is true when the task is no longer the worker's; every
 * other AppError but `unavailable` is why there can be no such release.
 */
export async function createRunRelease(
  deps: ReleasesDeps,
  input: { runId: string; repository: string; project: string; commitSha: string; claim: JobClaim },
  signal: AbortSignal,
): Promise<RunRelease> {
  const { runId, repository, project } = input
  const commit = input.commitSha
  const run = await requireRun(deps.db, { principal: null, runId, repository, commit })
  const { commitSha } = run
  const released = await findProjectInRuns(deps.db, { repository, project, commitSha, runId })
  if (released?.runTrigger == null) {
    throw new AppError('invalid_request', `Run ${runId} does not release ${project}`)
  }
  const claim = { ...input.claim, runId }
  const existing = await findExisting(deps.db, { repository, project, commitSha })
  if (existing !== null) return nameExisting(deps, { existing, run, released, claim })
  const made = await loadMade(deps.db, { runId, project })
  const artifacts = collectArtifacts({ project, declared: released.artifacts, given: [], made })
  const draft = {
    repository,
    project,
    commitSha,
    runId,
    trigger: { type: released.runTrigger, branch: run.branch, by: run.triggeredBy },
    createdBy: ownName,
    tagging: released.tagging,
    environments: released.environments,
    artifacts,
    resources: resolveResources(released.resources, artifacts),
  }
  const result = await makeRelease(deps, { draft, claim }, signal)
  if ('existing' in result) {
    return nameExisting(deps, { existing: result.existing, run, released, claim })
  }
  const { id, number, uri, digest, aliases } = result.stored
  return { created: true, id, number, uri, digest, aliases }
}

async function nameExisting(
  deps: ReleasesDeps,
  input: {
    existing: ExistingRelease
    run: ReleasedRun
    released: ReleasedProject
    claim: ReleaseClaim
  },
): Promise<RunRelease> {
  const { existing, run, released, claim } = input
  const { id, number, uri, digest } = existing
  const alias = automaticAlias(run.branch, existing, released.tagging)
  const aliases =
    alias === null
      ? []
      : await transact(deps, async (unit: UnitOfWork) => {
          await requireClaim(unit, claim)
          const added = await addAutomaticAlias(unit, { release: existing, alias, by: ownName })
          if (!added) return []
          announceAlias(unit, { release: existing, alias: alias.alias, type: alias.type })
          return [alias.alias]
        })
  return { created: false, id, number, uri, digest, aliases }
}
