import type {
  Configuration,
  ConfigurationTarget,
  CreateConfigurationRequest,
  UpdateConfigurationRequest,
} from '@slipway/contract/configurations'
import { requireUnlimited } from '../access/index.ts'
import { refuseChanged } from '../archive/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { nameTaken, noSuchConfiguration, things, toConfiguration } from './configuration-rows.ts'
import type { ConfigurationsDeps } from './deps.ts'
import { settingsProblems } from './read-settings.ts'

/**
 * Stores a configuration whose settings can be merged into its targets; otherwise `invalid_request`
 * with every problem. A `resource_conflict` where there is one with the name.
 */
export async function createConfiguration(
  { db }: ConfigurationsDeps,
  input: { principal: Principal; request: CreateConfigurationRequest },
): Promise<Configuration> {
  const { principal, request } = input
  requireUnlimited(principal, things)
  const { name, description = null, settings = {}, targets = [] } = request
  check(settings, targets)
  const now = new Date()
  const row = await db
    .insertInto('configurations')
    .values({
      name,
      description,
      settings: JSON.stringify(settings),
      targets: JSON.stringify(targets),
      created_by: principal.name,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw nameTaken(name)
  return toConfiguration(row)
}

/**
 * Changes what the request names; settings and targets are replaced as a whole, and fit each other then. A
 * `resource_conflict` where it is not any more what the change is made to.
 */
export async function updateConfiguration(
  { db }: ConfigurationsDeps,
  input: { principal: Principal; id: number; request: UpdateConfigurationRequest },
): Promise<Configuration> {
  const { principal, id, request } = input
  requireUnlimited(principal, things)
  const { settings, targets, archived, unchanged_since: since, ...plain } = request
  try {
    return await db.transaction().execute(async (trx) => {
      const before = await trx
        .selectFrom('configurations')
        .selectAll()
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst()
      if (before === undefined) throw noSuchConfiguration(id)
      refuseChanged({ what: 'The configuration', row: before, since })
      const current = toConfiguration(before)
      if (settings !== undefined || targets !== undefined) {
        check(settings ?? current.settings, targets ?? current.targets)
      }
      const now = new Date()
      const stays = archived === undefined || archived === current.archived
      const row = await trx
        .updateTable('configurations')
        .set({
          ...plain,
          updated_at: now,
          ...(settings === undefined ? {} : { settings: JSON.stringify(settings) }),
          ...(targets === undefined ? {} : { targets: JSON.stringify(targets) }),
          ...(stays ? {} : { archived_at: archived ? now : null }),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow()
      return toConfiguration(row)
    })
  } catch (error) {
    const duplicate = error instanceof Error && 'code' in error && error.code === '23505'
    throw duplicate ? nameTaken(request.name ?? '') : error
  }
}

function check(
  settings: Readonly<Record<string, unknown>>,
  targets: readonly ConfigurationTarget[],
): void {
  const problems = settingsProblems(settings, targets)
  const [first] = problems
  if (first === undefined) return
  throw new AppError('invalid_request', `The body is not valid: ${first.path} ${first.message}`, {
    problems: problems.slice(0, 100),
  })
}
