import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { CommitForge, createTurns } from '../git/index.ts'
import type { Registry } from '../ports/registry.ts'

/** What the functions of this room need. */
export interface ReleasesDeps extends UnitOfWorkDeps {
  /** Where the OCI artifacts of releases are. */
  registry: Registry
  /** Reads a commit's configuration from git; `commit` may be abbreviated. Fails with a GitError. */
  readForge(
    input: { repository: string; commit: string },
    signal: AbortSignal,
  ): Promise<CommitForge>
  /** Signs what was pushed to `registry`; null where no key is configured. A failure fails the release. */
  sign: SignRelease | null
  /** One creation of the same release at a time in this process. */
  turns: ReturnType<typeof createTurns>
}

/** `repository` is the one in the registry. */
type SignRelease = (
  input: { repository: string; digest: string },
  signal: AbortSignal,
) => Promise<void>
