import { createHash, createPrivateKey, createPublicKey, type KeyObject, scrypt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { StartupError } from '../errors.ts'

/** What signs artifacts and releases: an EC key on the curve P-256, cosign's default. */
export interface SigningKey {
  privateKey: KeyObject
  publicKey: KeyObject
  /** `sha256:<hex>` of the public key (SubjectPublicKeyInfo, DER): tells keys apart. */
  id: string
}

/** Bytes; a key file has some hundreds. */
const maxFileBytes = 64 * 1024
/** What a file may ask of scrypt: 256 MiB, and four times cosign's own work. */
const maxScryptBytes = 256 * 1024 * 1024

const deriveKey = promisify(
  (
    password: Buffer,
    salt: Buffer,
    length: number,
    options: { N: number; r: number; p: number; maxmem: number },
    callback: (error: Error | null, key: Buffer) => void,
  ) => scrypt(password, salt, length, options, callback),
)

/**
 * Reads a private key: PKCS #8 or SEC 1 in PEM, encrypted or not, or what `cosign generate-key-pair`
 * wrote. StartupError, without any of the key in it, where it cannot be used.
 */
export async function loadSigningKey(input: {
  path: string
  password: string | null
}): Promise<SigningKey> {
  const pem = await readPem(input.path)
  const privateKey = await parseKey(pem, input.password ?? '').catch((error: unknown) => {
    if (error instanceof StartupError) throw error
    throw refusal('it cannot be read with the password of COSIGN_PASSWORD')
  })
  const { asymmetricKeyType, asymmetricKeyDetails } = privateKey
  if (asymmetricKeyType !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw refusal('it is not an elliptic curve key on P-256')
  }
  const publicKey = createPublicKey(privateKey)
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const id = `sha256:${createHash('sha256').update(der).digest('hex')}`
  return { privateKey, publicKey, id }
}

function refusal(reason: string): StartupError {
  return new StartupError(`The key of COSIGN_KEY cannot be used: ${reason}`)
}

async function readPem(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'latin1')
  } catch (error) {
    throw refusal(
      `its file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    )
  }
  if (text.length > maxFileBytes || !text.includes('-----BEGIN ')) throw refusal('it is not PEM')
  return text
}

async function parseKey(pem: string, password: string): Promise<KeyObject> {
  const cosign =
    /-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END /.exec(
      pem,
    )
  if (cosign === null) return createPrivateKey({ key: pem, passphrase: password })
  const der = await openSecretBox(Buffer.from(cosign[1] ?? '', 'base64'), password)
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

/** The envelope of cosign's key files: scrypt, and NaCl's secretbox around PKCS #8. */
async function openSecretBox(envelope: Buffer, password: string): Promise<Buffer> {
  const { kdf, cipher, ciphertext } = JSON.parse(envelope.toString('utf8')) as {
    kdf: { name: string; params: { N: number; r: number; p: number }; salt: string }
    cipher: { name: string; nonce: string }
    ciphertext: string
  }
  if (kdf.name !== 'scrypt' || cipher.name !== 'nacl/secretbox') {
    throw refusal(`it is encrypted in a way that is not known (${kdf.name}, ${cipher.name})`)
  }
  const { N, r, p } = kdf.params
  if (!(p >= 1 && p <= 16 && 128 * N * r <= maxScryptBytes)) {
    throw refusal('reading it would take too much memory')
  }
  const secret = await deriveKey(Buffer.from(password), Buffer.from(kdf.salt, 'base64'), 32, {
    N,
    r,
    p,
    maxmem: 2 * maxScryptBytes,
  })
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js')
  const box = xsalsa20poly1305(secret, Buffer.from(cipher.nonce, 'base64'))
  return Buffer.from(box.decrypt(Buffer.from(ciphertext, 'base64')))
}
