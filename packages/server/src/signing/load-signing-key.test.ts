import { generateKeyPairSync, type KeyObject, randomBytes, scryptSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSigningKey } from './load-signing-key.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-key-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function load(pem: string, password: string | null = null) {
  const path = join(directory, randomBytes(8).toString('hex'))
  await writeFile(path, pem)
  return loadSigningKey({ path, password })
}

/** As `cosign generate-key-pair` writes it. */
function cosignPem(key: KeyObject, password: string, label = 'SIGSTORE', n = 32_768): string {
  const salt = randomBytes(32)
  const nonce = randomBytes(24)
  const secret = scryptSync(password, salt, 32, { N: 32_768, r: 8, p: 1, maxmem: 2 ** 27 })
  const ciphertext = xsalsa20poly1305(secret, nonce).encrypt(
    key.export({ type: 'pkcs8', format: 'der' }),
  )
  const envelope = {
    kdf: { name: 'scrypt', params: { N: n, r: 8, p: 1 }, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(ciphertext).toString('base64'),
  }
  const body = Buffer.from(JSON.stringify(envelope)).toString('base64').replaceAll(/.{64}/g, '$&\n')
  return `-----BEGIN ENCRYPTED ${label} PRIVATE KEY-----\n${body}\n-----END ENCRYPTED ${label} PRIVATE KEY-----\n`
}

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
/** A test's key file, made when it runs. */
type MakePem = () => string | Buffer

describe('loadSigningKey', () => {
  it.each<readonly [string, MakePem, string | null]>([
    ['PKCS #8', () => privateKey.export(pkcs8), null],
    ['SEC 1', () => privateKey.export({ type: 'sec1', format: 'pem' }), null],
    [
      'encrypted PKCS #8',
      () => privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'open sésame' }),
      'open sésame',
    ],
    ["cosign's", () => cosignPem(privateKey, 'open sésame'), 'open sésame'],
    ["cosign's older", () => cosignPem(privateKey, '', 'COSIGN'), null],
  ])('reads %s', async (_, pem, password) => {
    const key = await load(pem().toString(), password)
    expect(key.privateKey.equals(privateKey)).toBe(true)
    expect(key.id).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it.each<readonly [string, MakePem, string]>([
    ['a wrong password', () => cosignPem(privateKey, 'right'), 'cannot be read with the password'],
    [
      'a wrong password of PKCS #8',
      () => privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'right' }),
      'cannot be read with the password',
    ],
    [
      'another curve',
      () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export(pkcs8),
      'not an elliptic curve key on P-256',
    ],
    [
      'RSA',
      () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pkcs8),
      'not an elliptic curve key on P-256',
    ],
    ['what is no PEM', () => 'secret', 'it is not PEM'],
    [
      'a bomb',
      () => cosignPem(privateKey, 'x', 'SIGSTORE', 2 ** 30),
      'reading it would take too much memory',
    ],
  ])('refuses %s, and shows none of it', async (_, pem, message) => {
    const text = pem().toString()
    const error: Error = await load(text, 'wrong').then(
      () => expect.fail('it was read'),
      (thrown: unknown) => thrown as Error,
    )
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('wrong')
    for (const line of text.split('\n').filter((part) => part.length > 3)) {
      expect(error.message).not.toContain(line)
    }
  })

  it('refuses a file that is not there', async () => {
    await expect(loadSigningKey({ path: join(directory, 'none'), password: null })).rejects.toThrow(
      'its file cannot be read (ENOENT)',
    )
  })
})
