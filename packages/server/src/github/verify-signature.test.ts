import { describe, expect, it } from 'vitest'
import { verifySignature } from './verify-signature.ts'

// GitHub's own test values ("Validating webhook deliveries").
const secret = "It's a Secret to Everybody"
const body = Buffer.from('Hello, World!')
const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'

describe('verifySignature', () => {
  it('takes the signature of the body under the secret, and no other', () => {
    expect(verifySignature(secret, body, signature)).toBe(true)
    expect(verifySignature('another', body, signature)).toBe(false)
    expect(verifySignature(secret, Buffer.from('Hello, world!'), signature)).toBe(false)
  })

  it.each([
    undefined,
    '',
    'sha256=',
    signature.slice(0, -1),
    `${signature}0`,
    signature.toUpperCase(),
    signature.replace('sha256', 'sha1'),
    ` ${signature}`,
  ])('refuses %j', (header) => {
    expect(verifySignature(secret, body, header)).toBe(false)
  })
})
