import { type Kysely, sql } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

/** A release and how people call it. */
export interface FoundRelease {
  id: string
  repository: string
  project: string
  commitSha: string
  number: number
}

/** How a release is named in a path. */
export interface ReleaseReference {
  repository: string
  project: string
  /** Alias, number, commit SHA, or at least its first seven digits; looked for in this order. */
  reference: string
}

/** PostgreSQL's integer. */
const greatestNumber = 2_147_483_647
/** Candidates that a refusal names. */
const maxCandidates = 10

/**
 * Finds a release by whatever names it. `resource_not_found` where nothing does; `resource_conflict`,
 * with the candidates, where an abbreviated commit means several.
 */
export async function findRelease(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal } & ReleaseReference,
): Promise<FoundRelease> {
  const { repository, project, reference } = input
  requireVisible(input.principal, repository)
  const number = /^[1-9]\d{0,9}$/.test(reference) ? Number(reference) : 0
  const prefix = /^[0-9a-f]{7,40}$/i.test(reference) ? reference.toLowerCase() : ''
  const ofProject = sql`r.repository = ${repository} and r.project = ${project}`
  const columns = sql`r.id, r.repository, r.project, r.commit_sha as "commitSha",
                      r.release_number as number`
  const byNumber = sql`
    union all (select ${columns}, 2 as rank from releases r
               where ${ofProject} and r.release_number = ${number})`
  // In every collation, the digits are before "g", and the longer text behind the shorter.
  const byCommit = sql`
    union all (select ${columns}, 3 as rank from releases r
               where ${ofProject} and r.commit_sha >= ${prefix} and r.commit_sha < ${`${prefix}g`}
               order by r.commit_sha limit ${maxCandidates})`
  const { rows } = await sql<FoundRelease & { rank: number }>`
    (select ${columns}, 1 as rank from releases r
     join release_aliases a on a.release_id = r.id
     where a.repository = ${repository} and a.project = ${project} and a.alias = ${reference})
    ${number > 0 && number <= greatestNumber ? byNumber : sql``}
    ${prefix === '' ? sql`` : byCommit}
    order by rank, number`.execute(deps.db)
  const [first, second] = rows
  if (first === undefined) throw releaseNotFound(input)
  if (second !== undefined && second.rank === first.rank) {
    throw ambiguous(
      reference,
      rows.filter(({ rank }) => rank === first.rank),
    )
  }
  const { rank: _, ...found } = first
  return found
}

function releaseNotFound({ repository, project, reference }: ReleaseReference): AppError {
  return new AppError(
    'resource_not_found',
    `There is no release ${reference} of ${project} in ${repository}`,
  )
}

function ambiguous(reference: string, candidates: readonly FoundRelease[]): AppError {
  const named = candidates.map(({ number, commitSha }) => `${commitSha} (#${number})`)
  return new AppError(
    'resource_conflict',
    `${reference} is ambiguous; it may mean ${named.join(', ')}`,
    {
      candidates: candidates.map(({ id, number, commitSha }) => ({
        release_id: id,
        release_number: number,
        commit_sha: commitSha,
      })),
    },
  )
}
