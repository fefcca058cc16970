import { requireUnlimited } from '../access/index.ts'
import { tryRegistry } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type RegistriesDeps, things } from './deps.ts'
import { loginOf } from './open-registry-login.ts'
import { registryOrigin } from './registry-host.ts'
import { findRegistry, type RegistryRow } from './registry-rows.ts'

/** Milliseconds that a registry without a login has to answer. */
const timeoutMs = 20_000

/**
 * Logs in to a registry and writes down what that came to; without a credential, only asks whether it
 * lets anybody in. What fails is a value, not an error.
 */
export async function testRegistry(
  deps: RegistriesDeps,
  input: { principal: Principal; id: number },
  signal: AbortSignal,
): Promise<{ isVerified: boolean; message: string }> {
  const { principal, id } = input
  requireUnlimited(principal, things)
  const row = await findRegistry(deps.db, id)
  const found = await contact(deps, row, signal)
  const { isVerified: is_verified, message: verification_message } = found
  // What was tried has to be what is registered: it may have been changed meanwhile.
  await deps.db
    .updateTable('container_registries')
    .set({
      is_verified,
      verification_message,
      ...(is_verified ? { verified_at: new Date() } : {}),
    })
    .where('id', '=', id)
    .where('registry_url', '=', row.registry_url)
    .where('credential_id', 'is not distinct from', row.credential_id)
    .execute()
  return found
}

async function contact(
  deps: RegistriesDeps,
  row: RegistryRow,
  signal: AbortSignal,
): Promise<{ isVerified: boolean; message: string }> {
  const origin = registryOrigin(row.registry_url, deps.plainHttp)
  try {
    const login = await loginOf(deps, row)
    if (login === null) return await lookAt(origin, signal)
    const { username, password } = login
    await tryRegistry(origin, { username, password, registryUrl: origin })
    return { isVerified: true, message: `${origin} takes the login` }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { isVerified: false, message: error.message }
  }
}

async function lookAt(
  origin: string,
  signal: AbortSignal,
): Promise<{ isVerified: boolean; message: string }> {
  try {
    const { status, body } = await fetch(new URL('/v2/', origin), {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    await body?.cancel()
    if (status === 200) return { isVerified: true, message: `${origin} asks for no login` }
    const why = status === 401 ? 'wants a login: add a credential' : `answers ${status}`
    return { isVerified: false, message: `${origin} ${why}` }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof Error)) throw error
    return { isVerified: false, message: `${origin}: there is no answer` }
  }
}
