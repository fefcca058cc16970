import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import type { IssuerKeys } from './issuer-keys.ts'

/**
 * Signatures that are believed: those by a key of which only the public half is known. Never `none`, nor
 * one by a shared secret, which the public key could be taken for.
 */
export const algorithms =
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

/** Seconds that our clock and the issuer's may differ by. */
export const clockToleranceSeconds = 60

const maxLength = 16_384

/** Where it is said why a token is refused: at a level that strangers cannot fill a disk by. */
export interface TokenLog {
  debug(details: object, message: string): void
}

export interface VerifiedJwt {
  claims: JWTPayload
  /** The header's. */
  typ: string | undefined
  kid: string | undefined
  /** When it ends, tolerance included, in milliseconds since the epoch. */
  until: number
}

/**
 * A JWT of this issuer for this audience, within its time and signed by one of its keys; else the reason
 * against it, for the log. Rejects where it cannot be told.
 */
export async function verifyJwt(
  keys: Pick<IssuerKeys, 'find'>,
  token: string,
  { issuer, audience }: { issuer: string; audience: string },
): Promise<VerifiedJwt | { refused: string }> {
  if (!looksLikeJwt(token)) return { refused: 'is no JWT' }
  try {
    // Others' tokens cause no questions to the issuer.
    if (decodeJwt(token).iss !== issuer) return { refused: 'is of another issuer' }
    const alg = algorithmOf(token)
    if (alg === undefined || !algorithms.includes(alg))
      return { refused: `alg ${alg} is not taken` }
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp', 'iat', 'sub'],
    })
    const { exp = 0, iat = 0, sub } = payload
    if (typeof sub !== 'string' || sub === '') return { refused: 'has no subject' }
    if (iat > Date.now() / 1000 + clockToleranceSeconds) return { refused: 'is of the future' }
    return {
      claims: payload,
      typ: protectedHeader.typ,
      kid: protectedHeader.kid,
      until: (exp + clockToleranceSeconds) * 1000,
    }
  } catch (error) {
    if (error instanceof errors.JOSEError) return { refused: error.message }
    throw error
  }
}

/** Three parts of base64url, not too long. */
export function looksLikeJwt(token: string): boolean {
  return token.length <= maxLength && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg
  } catch {
    return undefined
  }
}
