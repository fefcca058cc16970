import type { BuildRepositoryInfo } from '@slipway/contract/builds'
import { sql, type Transaction } from 'kysely'
import { canSee, requireUnlimited, requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { protocolOf } from '../git/index.ts'
import type { Principal } from '../ports/identity.ts'
import { officialName } from './official-name.ts'
import type { OfficialRepository } from './deps.ts'
import type { BuildProblem } from './judge-request.ts'

/** What a request names by ids; what its schema refuses is null. */
export interface References {
  git_repository_id: number | null
  registry_id: number | null
  branding_template_id: number | null
  configuration_id: number | null
}

/** The repository that a build is of. */
export interface BuildSource {
  /** Who may see the build is who may see this repository. */
  repository: string
  info: BuildRepositoryInfo
}

/**
 * Looks up what a request refers to, and keeps it from being deleted until the end of the transaction.
 * `source` is null where there is a problem with the repository.
 */
export async function checkReferences(
  deps: { trx: Transaction<Tables>; official: OfficialRepository },
  input: { principal: Principal; references: References },
): Promise<{ source: BuildSource | null; problems: BuildProblem[] }> {
  const { references } = input
  const { source, problems } = await checkRepository(deps, input)
  const named = [
    ['registry_id', 'container_registries', 'registry', 'Registries'],
    ['branding_template_id', 'branding_templates', 'branding template', 'Branding templates'],
    ['configuration_id', 'configurations', 'configuration', 'Configurations'],
  ] as const
  for (const [field, table, thing, things] of named) {
    const id = references[field]
    if (id === null) continue
    requireUnlimited(input.principal, things)
    const { rows } = await sql<{ archived: boolean }>`
      select archived_at is not null as archived from ${sql.table(table)}
      where id = ${id} for key share`.execute(deps.trx)
    const path = `/${field}`
    if (rows[0] === undefined) problems.push(missing(path, thing, id))
    else if (rows[0].archived) problems.push({ path, message: `names an archived ${thing}` })
  }
  return { source, problems }
}

async function checkRepository(
  { trx, official }: { trx: Transaction<Tables>; official: OfficialRepository },
  input: { principal: Principal; references: References },
): Promise<{ source: BuildSource | null; problems: BuildProblem[] }> {
  const { principal, references } = input
  const id = references.git_repository_id
  if (id === null) {
    const { url } = official
    const repository = officialName(url)
    requireVisible(principal, repository)
    const info = { id, name: repository, url, type: protocolOf(url), is_verified: true }
    return { source: { repository, info }, problems: [] }
  }
  const path = '/git_repository_id'
  const row = await trx
    .selectFrom('repositories')
    .select(['name', 'repository_url', 'is_verified', 'verification_message', 'archived_at'])
    .where('id', '=', id)
    .forKeyShare()
    .executeTakeFirst()
  if (row === undefined || !canSee(principal, row.name)) {
    return { source: null, problems: [missing(path, 'repository', id)] }
  }
  const problems: BuildProblem[] = []
  if (row.archived_at !== null) problems.push({ path, message: 'names an archived repository' })
  if (!row.is_verified) {
    const why = row.verification_message === null ? '' : `: ${row.verification_message}`
    problems.push({ path, message: `names a repository that is not verified${why}` })
  }
  const { name, repository_url: url } = row
  const info = { id, name, url, type: protocolOf(url), is_verified: row.is_verified }
  return { source: { repository: name, info }, problems }
}

function missing(path: string, thing: string, id: number): BuildProblem {
  return { path, message: `names no ${thing}`, missing: `There is no ${thing} ${id}` }
}
