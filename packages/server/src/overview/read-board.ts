import type { BoardCell, BoardProject, BoardResponse } from '@slipway/contract/overview'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Environments } from '../environments/index.ts'
import type { Principal } from '../ports/identity.ts'
import { contains, visibleOnly } from './visible-only.ts'

export interface BoardInput {
  principal: Principal
  repository?: string | undefined
  search?: string | undefined
  limit: number
  offset: number
}

/** What is where: projects by repository and name, each with its newest release and what each environment has. */
export async function readBoard(
  deps: { db: Kysely<Tables>; environments: Environments },
  { principal, repository, search, limit, offset }: BoardInput,
): Promise<BoardResponse> {
  const names = deps.environments.list().map(({ name }) => name)
  const { rows: projects } = await sql<ProjectRow>`
    select counter.repository, counter.project, release.id, release.release_number,
           release.commit_sha, release.created_at
      from release_counters as counter
      left join lateral (
        select id, release_number, commit_sha, created_at from releases
         where releases.repository = counter.repository and releases.project = counter.project
         order by release_number desc limit 1) as release on true
     where ${visibleOnly(principal, sql`counter.repository`)}
       and (${repository ?? null}::text is null or counter.repository = ${repository ?? null})
       and ${contains(search, sql`(counter.repository || '/' || counter.project)`)}
     order by counter.repository, counter.project
     limit ${limit + 1} offset ${offset}`.execute(deps.db)
  const shown = projects.slice(0, limit)
  const { rows: cells } = await sql<CellRow>`
    select deployment.repository, deployment.project, deployment.environment, deployment.id,
           deployment.release_id, deployment.release_number, release.commit_sha, deployment.status,
           deployment.reason, deployment.created_at, deployment.deployed_at, deployment.deployed_by
      from unnest(${shown.map((row) => row.repository)}::text[],
                  ${shown.map((row) => row.project)}::text[]) as wanted (repository, project)
     cross join unnest(${names}::text[]) as place (environment)
     cross join lateral (
       select * from deployments
        where deployments.environment = place.environment
          and deployments.repository = wanted.repository and deployments.project = wanted.project
          and ordinal is not null
        order by ordinal desc limit 2) as deployment
      join releases as release on release.id = deployment.release_id
     where deployment.status in ('pending', 'active')
     order by deployment.ordinal desc`.execute(deps.db)
  return {
    environments: names,
    projects: shown.map((row): BoardProject => ({
      repository: row.repository,
      project: row.project,
      newest:
        row.id === null
          ? null
          : {
              id: row.id,
              release_number: row.release_number,
              commit_sha: row.commit_sha,
              created_at: row.created_at.toISOString(),
            },
      cells: cells
        .filter((cell) => cell.repository === row.repository && cell.project === row.project)
        .map(toCell),
    })),
    limit,
    offset,
    has_more: projects.length > limit,
  }
}

function toCell(row: CellRow): BoardCell {
  return {
    environment: row.environment,
    deployment_id: row.id,
    release_id: row.release_id,
    release_number: row.release_number,
    commit_sha: row.commit_sha,
    status: row.status,
    reason: row.reason,
    deployed_at: (row.deployed_at ?? row.created_at).toISOString(),
    deployed_by: row.deployed_by,
  }
}

interface ProjectRow {
  repository: string
  project: string
  /** Null where the project has no release (any more): then the others are, too. */
  id: string | null
  release_number: number
  commit_sha: string
  created_at: Date
}

interface CellRow {
  repository: string
  project: string
  environment: string
  id: string
  release_id: string
  release_number: number
  commit_sha: string
  status: BoardCell['status']
  reason: string | null
  created_at: Date
  deployed_at: Date | null
  deployed_by: string
}
