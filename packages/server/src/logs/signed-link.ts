import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** How long a step's `logs_url` works. */
export const logLinkSeconds = 15 * 60

/** The key that signs links to logs, derived so that it opens nothing else of what `serverKey` protects. */
export function deriveLogLinkKey(serverKey: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', serverKey, Buffer.alloc(0), 'slipway log link', 32))
}

/** What a link says about itself, as it stands in the query: `?expires=…&signature=…`. */
export interface LogLink {
  /** Epoch seconds; the link works up to and including this one. */
  expires: string
  /** HMAC-SHA256 over step and expiry, base64url. */
  signature: string
}

/** A link to the log of one step that works without a token until `expires` (epoch seconds). */
export function signLogLink(key: Buffer, { stepId, expires }: { stepId: string; expires: number }) {
  const link: LogLink = { expires: String(expires), signature: sign(key, stepId, String(expires)) }
  return `?${new URLSearchParams({ ...link }).toString()}`
}

/** Whether `link` was signed for this step with this key and has not expired at `now` (epoch seconds). */
export function verifyLogLink(
  key: Buffer,
  { stepId, link, now }: { stepId: string; link: LogLink; now: number },
): 'valid' | 'expired' | 'invalid' {
  if (!/^[1-9][0-9]{0,11}$/.test(link.expires)) return 'invalid'
  const given = Buffer.from(link.signature)
  const wanted = Buffer.from(sign(key, stepId, link.expires))
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'invalid'
  return now <= Number(link.expires) ? 'valid' : 'expired'
}

function sign(key: Buffer, stepId: string, expires: string): string {
  // JSON keeps the parts apart, whatever is in them.
  return createHmac('sha256', key)
    .update(JSON.stringify([stepId, expires]))
    .digest('base64url')
}
