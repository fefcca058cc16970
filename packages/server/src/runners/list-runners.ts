import type { Pagination } from '@slipway/contract/runner-answers'
import type { ListRunnersQuery, Runner } from '@slipway/contract/runners'
import { type Kysely, sql } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type RunnerRow, runnerColumns, toRunner, visibleRunners } from './runner-rows.ts'

/** The runners that the principal may see, by name. Those of a repository are also those that serve any. */
export async function listRunners(
  { db }: { db: Kysely<Tables> },
  input: { principal: Principal; query: ListRunnersQuery },
): Promise<{ runners: Runner[]; pagination: Pagination }> {
  const { type, status, repository, page = 1, limit = 1_000 } = input.query
  if (repository !== undefined) requireVisible(input.principal, repository)
  const serves = (name: string) => sql`(r.repository = ${name} or r.repository is null)`
  const wanted = sql<boolean>`${visibleRunners(input.principal)}
    and ${type === undefined ? sql`true` : sql`r.type = ${type}`}
    and ${status === undefined ? sql`true` : sql`r.status = ${status}`}
    and ${repository === undefined ? sql`true` : serves(repository)}`
  const { rows: counted } = await sql<{ total: number }>`
    select count(*)::float8 as total from runners r where ${wanted}`.execute(db)
  const { rows } = await sql<RunnerRow>`
    select ${runnerColumns} from runners r where ${wanted}
     order by r.name, r.id limit ${limit} offset ${(page - 1) * limit}`.execute(db)
  const total = counted[0]?.total ?? 0
  return {
    runners: rows.map(toRunner),
    pagination: { page, limit, total, totalPages: Math.ceil(total / limit) },
  }
}

/** A runner that the principal may see; `resource_not_found` otherwise. */
export async function getRunner(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; id: string },
): Promise<Runner> {
  return toRunner(await findRunner(deps, input))
}

/** The same as its row. */
export async function findRunner(
  { db }: { db: Kysely<Tables> },
  input: { principal: Principal; id: string },
): Promise<RunnerRow> {
  const { rows } = await sql<RunnerRow>`
    select ${runnerColumns} from runners r
     where r.id = ${input.id}::uuid and ${visibleRunners(input.principal)}`.execute(db)
  const [row] = rows
  if (row === undefined) {
    throw new AppError('resource_not_found', `There is no runner ${input.id}`)
  }
  return row
}
