import type {
  ContainerRegistry,
  CreateRegistryRequest,
  UpdateRegistryRequest,
} from '@slipway/contract/registries'
import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { checkRegistry } from './check-registry.ts'
import { type RegistriesDeps, things } from './deps.ts'
import { nameTaken, noSuchRegistry, type RegistryRow, toRegistry } from './registry-rows.ts'

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
    .catch((error: unknown) => refuseWrite(error, { name, credentialId: credential_id }))
  if (row === undefined) throw nameTaken(name)
  return toRegistry(row)
}

/** Changes what the request names. What decides whether a login succeeds makes it unverified. */
export async function updateRegistry(
  deps: RegistriesDeps,
  input: { principal: Principal; id: number; request: UpdateRegistryRequest },
): Promise<ContainerRegistry> {
  requireUnlimited(input.principal, things)
  const { id, request } = input
  // Two changes at once come one behind the other: neither puts back what the other one changed.
  return deps.db.transaction().execute(async (trx) => {
    const before = await trx
      .selectFrom('container_registries')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (before === undefined) throw noSuchRegistry(id)
    return changeRegistry({ ...deps, db: trx }, before, request)
  })
}

async function changeRegistry(
  deps: RegistriesDeps,
  before: RegistryRow,
  request: UpdateRegistryRequest,
): Promise<ContainerRegistry> {
  const { archived, name = before.name, description = before.description } = request
  const { registry_type = before.registry_type } = request
  const { namespace = before.namespace, credential_id = before.credential_id } = request
  // Another type without an address of its own is where that type is.
  const isOther = registry_type !== before.registry_type
  const { registry_url = isOther ? undefined : before.registry_url } = request
  const draft = { registry_type, registry_url, namespace, credential_id }
  const { host } = await checkRegistry(deps, draft)
  const isSame = host === before.registry_url && credential_id === before.credential_id
  const now = new Date()
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
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => refuseWrite(error, { name, credentialId: credential_id }))
  return toRegistry(row)
}

/** What another request made of the names and the credential since they were looked at. */
function refuseWrite(
  error: unknown,
  { name, credentialId }: { name: string; credentialId: number | null },
): never {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === '23505') throw nameTaken(name)
  if (code === '23503') {
    throw new AppError('resource_not_found', `There is no credential ${credentialId}`)
  }
  throw error
}
