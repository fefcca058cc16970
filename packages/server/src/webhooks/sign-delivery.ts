import { createHmac, randomBytes } from 'node:crypto'

const prefix = 'whsec_'
const leastBytes = 24
const mostBytes = 64

/** A new secret: `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(): string {
  return prefix + randomBytes(32).toString('base64')
}

/** Whether a secret is as Standard Webhooks wants it: 24 to 64 bytes, in base64 that reads back the same. */
export function isWebhookSecret(secret: string): boolean {
  if (!secret.startsWith(prefix)) return false
  const encoded = secret.slice(prefix.length)
  const key = Buffer.from(encoded, 'base64')
  const same = key.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '')
  return same && key.length >= leastBytes && key.length <= mostBytes
}

/**
 * The headers of Standard Webhooks (https://www.standardwebhooks.com): one signature for each secret, so
 * that a receiver can change from one to the next.
 */
export function signDelivery(input: {
  messageId: string
  /** Of this attempt. */
  at: Date
  body: string
  secrets: readonly string[]
}): Record<string, string> {
  const { messageId, body, secrets } = input
  const timestamp = String(Math.floor(input.at.getTime() / 1000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), 'base64')
    const mac = createHmac('sha256', key).update(`${messageId}.${timestamp}.${body}`)
    return `v1,${mac.digest('base64')}`
  })
  return {
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
