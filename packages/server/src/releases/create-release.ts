import type { CreateReleaseRequest, CreateReleaseResponse } from '@slipway/contract/releases'
import { isServiceAccount, permissionsOfRole, requireVisible } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { collectArtifacts } from './collect-artifacts.ts'
import type { ReleasesDeps } from './deps.ts'
import { loadMade } from './load-made.ts'
import { makeRelease } from './make-release.ts'
import { canonicalId, type ReleaseDraft } from './release-draft.ts'
import { findProjectInRuns, projectOfForge, type ReleasedProject } from './released-project.ts'
import { findRunWithArtifacts, type ReleasedRun, requireRun } from './released-run.ts'
import { readCommit, resolveCommit, type ResolvedCommit } from './resolve-commit.ts'
import { resolveResources } from './resolve-resources.ts'
import { type ExistingRelease, findExisting } from './store-release.ts'

/**
 * Makes a release of a project at a commit: pushes it, then stores it under the project's next
 * number. Users make releases by hand, where the project allows it; service accounts those that a
 * run asks for. A commit that has a release is a `resource_conflict` with its id.
 *
 * `signal` bounds what git and the registry may take; nothing is visible when it aborts.
 */
export async function createRelease(
  deps: ReleasesDeps,
  input: { principal: Principal; request: CreateReleaseRequest },
  signal: AbortSignal,
): Promise<CreateReleaseResponse> {
  const { principal, request } = input
  const { repository, project } = request
  requireVisible(principal, repository)
  const draft = await inTime(signal, () => draftRelease(deps, { principal, request }, signal))
  const made = await inTime(signal, () => makeRelease(deps, { draft, claim: null }, signal))
  if ('existing' in made) throw alreadyReleased(made.existing)
  const { id, number, uri, digest, createdAt } = made.stored
  return {
    id,
    release_number: number,
    oci_uri: uri,
    oci_digest: digest,
    canonical_id: canonicalId({ repository, project, commitSha: draft.commitSha }),
    created_at: createdAt.toISOString(),
  }
}

async function draftRelease(
  deps: ReleasesDeps,
  { principal, request }: { principal: Principal; request: CreateReleaseRequest },
  signal: AbortSignal,
): Promise<ReleaseDraft> {
  const { repository, project, pipeline_run_id: runId, artifacts: given } = request
  const commit = request.commit_sha.toLowerCase()
  const named =
    runId === undefined ? null : await requireRun(deps.db, { principal, runId, repository, commit })
  const resolved =
    named === null
      ? await resolveCommit(deps, { repository, project, commit }, signal)
      : { sha: named.commitSha, forge: null }
  const commitSha = resolved.sha
  const existing = await findExisting(deps.db, { repository, project, commitSha })
  if (existing !== null) throw alreadyReleased(existing)
  const released = await findProject(deps, { repository, project, resolved, run: named }, signal)
  const trigger = requireOccasion({ principal, project, commitSha, released, run: named })
  const declared = released.artifacts.map(({ name }) => name)
  const run =
    named ??
    (declared.length > 0 && given.length === 0
      ? await findRunWithArtifacts(deps.db, {
          repository,
          project,
          commitSha,
          artifacts: declared,
        })
      : null)
  const made = run === null ? [] : await loadMade(deps.db, { runId: run.id, project })
  const artifacts = collectArtifacts({ project, declared: released.artifacts, given, made })
  const byHand = trigger === 'manual'
  return {
    repository,
    project,
    commitSha,
    runId: run?.id ?? null,
    trigger: {
      type: trigger,
      branch: run?.branch ?? null,
      by: byHand ? principal.name : (run?.triggeredBy ?? principal.name),
    },
    createdBy: principal.name,
    tagging: released.tagging,
    environments: released.environments,
    artifacts,
    resources: resolveResources(released.resources, artifacts),
  }
}

async function findProject(
  deps: ReleasesDeps,
  input: {
    repository: string
    project: string
    resolved: ResolvedCommit
    run: ReleasedRun | null
  },
  signal: AbortSignal,
): Promise<ReleasedProject> {
  const { repository, project, resolved, run } = input
  const wanted = { repository, project, commitSha: resolved.sha }
  if (resolved.forge !== null) return projectOfForge(resolved.forge, wanted)
  const found = await findProjectInRuns(deps.db, { ...wanted, runId: run?.id ?? null })
  if (found !== null) return found
  return projectOfForge(
    await readCommit(deps, { repository, commit: resolved.sha }, signal),
    wanted,
  )
}

/** Why the release is made, if it may be. */
function requireOccasion(input: {
  principal: Principal
  project: string
  commitSha: string
  released: ReleasedProject
  run: ReleasedRun | null
}): ReleaseDraft['trigger']['type'] {
  const { principal, project, commitSha, released, run } = input
  if (isServiceAccount(principal)) {
    if (released.runTrigger !== null) return released.runTrigger
    if (!mayCreateByHand(principal)) {
      if (run === null) {
        throw refusal('A service account makes releases for a run: name it', '/pipeline_run_id')
      }
      throw new AppError(
        'resource_conflict',
        `Run ${run.id} does not release ${project}: nothing of release.on in ${released.file} is meant`,
      )
    }
  }
  if (released.on.some(({ type }) => type === 'manual')) return 'manual'
  throw refusal(
    `${project} can't be released by hand at ${commitSha}: release.on in ${released.file} lacks {manual: true}`,
    '/project',
  )
}

function mayCreateByHand({ roles }: Principal): boolean {
  return roles.some(
    (role) => role !== 'service-account' && permissionsOfRole[role].has('releases:create'),
  )
}

function alreadyReleased({ id, number, project, commitSha }: ExistingRelease): AppError {
  return new AppError(
    'resource_conflict',
    `${commitSha} is release #${number} of ${project} already`,
    { release_id: id, release_number: number },
  )
}

function refusal(message: string, path: string): AppError {
  return new AppError('invalid_request', message, { problems: [{ path, message }] })
}

/** What an aborted signal makes fail in whatever way is told as what it is. */
async function inTime<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!signal.aborted) throw error
    throw new AppError('unavailable', 'The release could not be made in time; nothing of it exists')
  }
}
