import { isIP } from 'node:net'
import { AppError } from '../../errors.ts'

/**
 * Refuses what a page of another site makes a browser send, also by a name that was rebound to this
 * machine: an `Origin` is either that of the public URL, or the one that was asked, by an address
 * or as localhost, which nobody else can own. Programs send no `Origin`, and pass.
 */
export function checkOrigin(
  asked: { origin: string | undefined; host: string },
  publicUrl: string | null,
): void {
  const { origin, host } = asked
  if (origin === undefined) return
  if (publicUrl !== null && origin === new URL(publicUrl).origin) return
  if (isOwnName(host) && (origin === `http://${host}` || origin === `https://${host}`)) return
  throw new AppError('authorization_failed', 'Pages of other sites may not ask this', { origin })
}

function isOwnName(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}
