import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { createTurns, type Mirrors, readForge, repositoryUrl } from '../git/index.ts'
import type { Registry } from '../ports/registry.ts'
import type { ReleasesDeps } from '../releases/index.ts'
import { type SigningKey, signManifest } from '../signing/index.ts'

/** What makes releases, over HTTP and by the workers of this process. */
export function openReleases(
  opened: {
    unitOfWork: UnitOfWorkDeps
    /** Where releases go. */
    registry: Registry
    mirrors: Mirrors
    /** Null: nothing is signed. */
    signingKey: SigningKey | null
  },
  options: { gitBaseUrl: string },
): ReleasesDeps {
  const { unitOfWork, registry, mirrors, signingKey: key } = opened
  const { db, wakeEvents, wakeJobs } = unitOfWork
  return {
    db,
    wakeEvents,
    wakeJobs,
    registry,
    sign:
      key === null
        ? null
        : async (input, signal) => void (await signManifest({ registry, key }, input, signal)),
    turns: createTurns(),
    readForge: ({ repository, commit }, signal) =>
      readForge(mirrors, { url: repositoryUrl(options.gitBaseUrl, repository), commit }, signal),
  }
}
