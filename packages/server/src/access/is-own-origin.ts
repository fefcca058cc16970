import { isIP } from 'node:net'

/**
 * Whether nobody but a page of ours can have made a browser send this, also by a name that was rebound to
 * this machine: an `Origin` is either that of the public URL, or the one that was asked, by an address or
 * as localhost, which nobody else can own. Programs send no `Origin`, and pass.
 */
export function isOwnOrigin(
  asked: { origin: string | undefined; host: string },
  publicUrl: string | null,
): boolean {
  const { origin, host } = asked
  if (origin === undefined) return true
  if (publicUrl !== null && origin === new URL(publicUrl).origin) return true
  return isOwnName(host) && (origin === `http://${host}` || origin === `https://${host}`)
}

function isOwnName(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}
