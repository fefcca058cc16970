import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import { type CommitForge, GitError } from '../git/index.ts'
import type { ReleasesDeps } from './deps.ts'

/** A commit's full name, and its configuration where it had to be read to know the name. */
export interface ResolvedCommit {
  sha: string
  forge: CommitForge | null
}

/** Candidates that a refusal names. */
const maxCandidates = 10

/**
 * Finds a commit, which may be abbreviated, among those that runs have discovered or that are
 * released, else in git. Commits of forks, which anybody can give the beginning of another, are not
 * among them. `resource_not_found` where there is none, `resource_conflict` with the
 * candidates where it may be several, `unavailable` where git can't be asked.
 */
export async function resolveCommit(
  deps: Pick<ReleasesDeps, 'db' | 'readForge'>,
  input: { repository: string; project: string; commit: string },
  signal: AbortSignal,
): Promise<ResolvedCommit> {
  const { repository, commit } = input
  const known = await findKnown(deps.db, input)
  const [only] = known
  if (known.length > 1) throw ambiguous(commit, known)
  if (only !== undefined) return { sha: only, forge: null }
  const forge = await readCommit(deps, { repository, commit }, signal)
  return { sha: forge.sha, forge }
}

/** Reads a commit's configuration from git; a failure in the words of the API. */
export async function readCommit(
  deps: Pick<ReleasesDeps, 'readForge'>,
  input: { repository: string; commit: string },
  signal: AbortSignal,
): Promise<CommitForge> {
  try {
    return await deps.readForge(input, signal)
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    if (error.candidates.length > 0) throw ambiguous(input.commit, error.candidates)
    throw new AppError(error.permanent ? 'resource_not_found' : 'unavailable', error.message)
  }
}

async function findKnown(
  db: Kysely<Tables>,
  { repository, project, commit }: { repository: string; project: string; commit: string },
): Promise<string[]> {
  // In every collation, the digits are before "g", and the longer text behind the shorter.
  const isMeant = sql`commit_sha >= ${commit} and commit_sha < ${`${commit}g`}`
  const { rows } = await sql<{ commit_sha: string }>`
    select commit_sha from runs r
    where repository = ${repository} and ${isMeant} and r.trusted
      and exists (select from run_configurations c where c.run_id = r.id)
    union
    select commit_sha from releases
    where repository = ${repository} and project = ${project} and ${isMeant}
    order by commit_sha limit ${maxCandidates}`.execute(db)
  return rows.map((row) => row.commit_sha)
}

function ambiguous(commit: string, candidates: readonly string[]): AppError {
  return new AppError(
    'resource_conflict',
    `${commit} is ambiguous; it may mean ${candidates.join(', ')}`,
    { candidates },
  )
}
