import type { IncomingMessage } from 'node:http'
import type { Permission } from '../../access/index.ts'
import { AppError } from '../../errors.ts'
import {
  type Admission,
  type AuthenticateSocketDeps,
  authenticateSocket,
} from '../authenticate-socket.ts'

const permission: Permission = 'delegations:read'

/**
 * Who is at a socket: by the `token` or the `ticket` of the handshake's `auth`, else by the header or the
 * query of the request that began the connection. An AppError says why somebody is refused; a rejection
 * that is none, that it cannot be told.
 */
export async function admitClient(
  deps: Omit<AuthenticateSocketDeps, 'anonymousStatus'>,
  input: {
    /** As the client sent it. */
    auth: Readonly<Record<string, unknown>>
    request: Pick<IncomingMessage, 'headers' | 'url'>
  },
): Promise<Admission> {
  const { auth, request } = input
  const asked = readAuth(auth) ?? request
  const found = await authenticateSocket({ ...deps, anonymousStatus: false }, asked, permission)
  if ('principal' in found) return found
  const { status, details } = found
  throw new AppError(status === 401 ? 'authentication_failed' : 'authorization_failed', details)
}

/** As the header or the query would have it; null: nothing is said there. */
function readAuth({
  token,
  ticket,
}: Readonly<Record<string, unknown>>): Pick<IncomingMessage, 'headers' | 'url'> | null {
  if (token !== undefined) {
    return { headers: { authorization: `Bearer ${typeof token === 'string' ? token : ''}` } }
  }
  if (ticket === undefined) return null
  const query = new URLSearchParams({ ticket: typeof ticket === 'string' ? ticket : '' })
  return { headers: {}, url: `/?${query.toString()}` }
}
