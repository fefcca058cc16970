import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { AppError } from '../errors.ts'

/**
 * Encrypts what is kept in the database: AES-256-GCM under a key of its own for each purpose,
 * derived from the master key, with a random nonce each time. What was sealed for one record opens
 * for no other.
 */
export interface Vault {
  /** First bytes of everything sealed under the newest key. */
  readonly prefix: Buffer
  seal(record: SealedRecord, plaintext: string): Buffer
  /**
   * An `unavailable` that names the record where it cannot be opened: sealed under a key that is not
   * among ours, or not for this record, or damaged.
   */
  open(record: SealedRecord, sealed: Buffer): string
  /** Whether its key is among ours. */
  knows(sealed: Buffer): boolean
}

/** Whose secret it is. All but `label` is part of what is authenticated, and may never change. */
export interface SealedRecord {
  /** What the secret is for, e.g. `credential`: each purpose has a key of its own. */
  purpose: string
  /** Names the record among all of its purpose for ever. */
  id: string
  /** For people, in the message of a failure: "The secret TOKEN of acme/shop". */
  label: string
}

// A sealed text: version (1 byte), key id (8), nonce (12), tag (16), ciphertext.
const version = 1
const idLength = 8
const nonceLength = 12
const tagLength = 16
/** Bytes of `Vault.prefix`. */
export const prefixLength = 1 + idLength

const derive = (masterKey: Buffer, info: string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', masterKey, '', `slipway ${info}`, length))

/** `keys` are master keys of 32 bytes: the newest, under which is sealed, then those before it. */
export function openVault(keys: readonly [Buffer, ...Buffer[]]): Vault {
  const byId = new Map(
    keys.map((key) => [derive(key, 'key id', idLength).toString('hex'), key] as const),
  )
  const prefixOf = (key: Buffer) =>
    Buffer.concat([Buffer.of(version), derive(key, 'key id', idLength)])
  const prefix = prefixOf(keys[0])
  const keyOf = (sealed: Buffer) =>
    sealed[0] === version && sealed.length >= prefixLength + nonceLength + tagLength
      ? byId.get(sealed.toString('hex', 1, prefixLength))
      : undefined
  return {
    prefix,
    seal(record, plaintext) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', derive(keys[0], record.purpose, 32), nonce)
      cipher.setAAD(identityOf(record))
      const text = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
      return Buffer.concat([prefix, nonce, cipher.getAuthTag(), text])
    },
    open(record, sealed) {
      const key = keyOf(sealed)
      if (key === undefined) {
        const id = sealed.toString('hex', 1, prefixLength)
        throw new AppError(
          'unavailable',
          `${record.label} cannot be read: it is encrypted under the master key ${id}, which this server does not have`,
        )
      }
      const nonce = sealed.subarray(prefixLength, prefixLength + nonceLength)
      const tag = sealed.subarray(
        prefixLength + nonceLength,
        prefixLength + nonceLength + tagLength,
      )
      const decipher = createDecipheriv('aes-256-gcm', derive(key, record.purpose, 32), nonce, {
        authTagLength: tagLength,
      })
      decipher.setAAD(identityOf(record)).setAuthTag(tag)
      const text = sealed.subarray(prefixLength + nonceLength + tagLength)
      try {
        return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8')
      } catch {
        throw new AppError(
          'unavailable',
          `${record.label} cannot be read: what is stored is damaged, or belongs to another record`,
        )
      }
    },
    knows: (sealed) => keyOf(sealed) !== undefined,
  }
}

function identityOf({ purpose, id }: SealedRecord): Buffer {
  return Buffer.from(`${purpose}\n${id}`, 'utf8')
}
