import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** For how long a signed request may be on its way, in milliseconds. */
const validMs = 60_000
const scheme = 'Slipway-Server'

/** A request of one server to another, as the signature knows it. */
export interface SignedRequest {
  method: string
  /** Path and query as they are sent. */
  target: string
  /** Id of the data directory of the server that is asked: no other one believes it. */
  home: string
}

/**
 * Signs what one server asks of another with a key derived from the master key, which all servers of a
 * database have and nobody else. `now` is in milliseconds, of one clock for all.
 */
export interface RequestSigner {
  /** The value of the header `Authorization`. */
  sign(request: SignedRequest, now: number): string
  /** Whether this is a signature of ours of this request, made a moment ago. */
  verify(header: string, request: SignedRequest, now: number): boolean
}

export function createRequestSigner(masterKey: Buffer): RequestSigner {
  const key = Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), 'slipway servers', 32))
  const signatureOf = ({ method, target, home }: SignedRequest, at: string) =>
    // JSON keeps the parts apart, whatever is in them.
    createHmac('sha256', key)
      .update(JSON.stringify([method, target, home, at]))
      .digest('base64url')

  return {
    sign(request, now) {
      const at = String(Math.round(now))
      return `${scheme} ${at} ${signatureOf(request, at)}`
    },
    verify(header, request, now) {
      const [, at = '', signature = ''] =
        /^Slipway-Server ([1-9][0-9]{0,15}) ([\w-]{43})$/.exec(header) ?? []
      const given = Buffer.from(signature)
      const wanted = Buffer.from(signatureOf(request, at))
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false
      return Math.abs(now - Number(at)) <= validMs
    },
  }
}
