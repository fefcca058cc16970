import type { ContainerRegistry } from '@slipway/contract/registries'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import { type RegistriesDeps, things } from './deps.ts'
import { findRegistry, toRegistry } from './registry-rows.ts'

/** In the order they were made; `count` is that of all there are, with those archived or without. */
export async function listRegistries(
  { db }: Pick<RegistriesDeps, 'db'>,
  input: {
    principal: Principal
    name?: string | undefined
    archived: boolean
    limit: number
    offset: number
  },
): Promise<{ registries: ContainerRegistry[]; count: number }> {
  requireUnlimited(input.principal, things)
  let all = db.selectFrom('container_registries')
  if (!input.archived) all = all.where('archived_at', 'is', null)
  if (input.name !== undefined) all = all.where('name', '=', input.name)
  const [rows, { count }] = await Promise.all([
    all.selectAll().orderBy('id').limit(input.limit).offset(input.offset).execute(),
    all.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow(),
  ])
  return { registries: rows.map(toRegistry), count }
}

export async function getRegistry(
  { db }: Pick<RegistriesDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<ContainerRegistry> {
  requireUnlimited(input.principal, things)
  return toRegistry(await findRegistry(db, input.id))
}
