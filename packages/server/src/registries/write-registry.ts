import type {
  ContainerRegistry,
  CreateRegistryRequest,
  UpdateRegistryRequest,
} from '@slipway/contract/registries'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import { checkRegistry } from './check-registry.ts'
import { type RegistriesDeps, things } from './deps.ts'
import { findRegistry, nameTaken, noSuchRegistry, toRegistry } from './registry-rows.ts'

/** Registers a registry, which is not contacted yet. A `resource_conflict` where there is one with the name. */
export async function createRegistry(
  deps: RegistriesDeps,
  input: { principal: Principal; request: CreateRegistryRequest },
): Promise<ContainerRegistry> {
  const { principal, request } = input
  requireUnlimited(principal, things)
  const { name, registry_type, registry_url, description = null } = request
  const { namespace = null, credential_id = null } = request
  const draft = { registry_type, registry_url, namespace, credential_id }
  const { host } = await checkRegistry(deps, draft)
  const now = new Date()
  const row = await deps.db
    .insertInto('container_registries')
    .values({
      ...draft,
      name,
      description,
      registry_url: host,
      created_by: principal.name,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw nameTaken(name)
  return toRegistry(row)
}

/** Changes what the request names. What decides whether a login succeeds makes it unverified. */
export async function updateRegistry(
  deps: RegistriesDeps,
  input: { principal: Principal; id: number; request: UpdateRegistryRequest },
): Promise<ContainerRegistry> {
  const { principal, id, request } = input
  requireUnlimited(principal, things)
  const before = await findRegistry(deps.db, id)
  const { archived, name = before.name, description = before.description } = request
  const { registry_type = before.registry_type } = request
  const { namespace = before.namespace, credential_id = before.credential_id } = request
  // Another type without an address of its own is where that type is.
  const isOther = registry_type !== before.registry_type
  const { registry_url = isOther ? undefined : before.registry_url } = request
  const { host } = await checkRegistry(deps, {
    registry_type,
    registry_url,
    namespace,
    credential_id,
  })
  const isSame = host === before.registry_url && credential_id === before.credential_id
  const now = new Date()
  try {
    const row = await deps.db
      .updateTable('container_registries')
      .set({ name, description, registry_type, namespace, credential_id, registry_url: host })
      .set({ updated_at: now })
      .$if(archived === true, (query) =>
        query.set((eb) => ({ archived_at: eb.fn.coalesce('archived_at', eb.val(now)) })),
      )
      .$if(archived === false, (query) => query.set({ archived_at: null }))
      .$if(!isSame, (query) =>
        query.set({ is_verified: false, verification_message: null, verified_at: null }),
      )
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) throw noSuchRegistry(id)
    return toRegistry(row)
  } catch (error) {
    const duplicate = error instanceof Error && 'code' in error && error.code === '23505'
    throw duplicate ? nameTaken(name) : error
  }
}
