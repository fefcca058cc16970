import type { Configuration } from '@slipway/contract/configurations'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import { findConfiguration, things, toConfiguration } from './configuration-rows.ts'
import type { ConfigurationsDeps } from './deps.ts'

/** In the order they were made; `count` is that of all there are, with those archived or without. */
export async function listConfigurations(
  { db }: ConfigurationsDeps,
  input: {
    principal: Principal
    name?: string | undefined
    archived: boolean
    limit: number
    offset: number
  },
): Promise<{ configurations: Configuration[]; count: number }> {
  requireUnlimited(input.principal, things)
  let all = db.selectFrom('configurations')
  if (!input.archived) all = all.where('archived_at', 'is', null)
  if (input.name !== undefined) all = all.where('name', '=', input.name)
  const [rows, { count }] = await Promise.all([
    all.selectAll().orderBy('id').limit(input.limit).offset(input.offset).execute(),
    all.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow(),
  ])
  return { configurations: rows.map(toConfiguration), count }
}

export async function getConfiguration(
  { db }: ConfigurationsDeps,
  input: { principal: Principal; id: number },
): Promise<Configuration> {
  requireUnlimited(input.principal, things)
  return toConfiguration(await findConfiguration(db, input.id))
}
