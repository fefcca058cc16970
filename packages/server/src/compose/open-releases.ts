import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { createTurns, GitError, type Mirrors, readForge } from '../git/index.ts'
import type { Registry } from '../ports/registry.ts'
import type { ReleasesDeps } from '../releases/index.ts'
import { locateRepository, type RepositoriesDeps } from '../repositories/index.ts'
import { type SigningKey, signManifest } from '../signing/index.ts'

/** What makes releases, over HTTP and by the workers of this process. */
export function openReleases(opened: {
  unitOfWork: UnitOfWorkDeps
  /** Where releases go. */
  registry: Registry
  mirrors: Mirrors
  repositories: RepositoriesDeps
  /** Null: nothing is signed. */
  signingKey: SigningKey | null
  /** Publishers that artifacts of every repository may name. */
  publishers: readonly { name: string }[]
}): ReleasesDeps {
  const { unitOfWork, registry, mirrors, repositories, signingKey: key } = opened
  const publishers = opened.publishers.map(({ name }) => name)
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
    readForge: async ({ repository, commit }, signal) => {
      const location = await locateRepository(repositories, { repository })
      if (!location.ok) throw new GitError(location.message, true)
      return readForge(mirrors, { ...location.remote, commit, publishers }, signal)
    },
  }
}
