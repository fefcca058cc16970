import { createHash, randomInt } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** What every API token begins with; secret scanners know tokens by it. */
export const tokenPrefix = 'slw_'

/** A new API token: `slw_` and 40 random base62 characters (238 bits). */
export function newTokenSecret(): string {
  return tokenPrefix + randomBase62(40)
}

/** A new ticket: 43 random base62 characters (256 bits). */
export function newTicketSecret(): string {
  return randomBase62(43)
}

/** What is stored of a token or ticket. They are random, so a plain hash cannot be searched. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

function randomBase62(length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += alphabet.charAt(randomInt(alphabet.length))
  return text
}
