import { createHmac, timingSafeEqual } from 'node:crypto'

/** Whether `header` (`X-Hub-Signature-256`) is the HMAC of the raw body under our secret. */
export function verifySignature(secret: string, body: Buffer, header: string | undefined): boolean {
  const [, digits] = /^sha256=([0-9a-f]{64})$/.exec(header ?? '') ?? []
  if (digits === undefined) return false
  return timingSafeEqual(
    createHmac('sha256', secret).update(body).digest(),
    Buffer.from(digits, 'hex'),
  )
}
