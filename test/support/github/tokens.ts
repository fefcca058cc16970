import { createVerify, type KeyObject } from 'node:crypto'
import type { OperationId } from './operations.ts'

/** Whom the stand-in believes. */
export type KnownCredential =
  | { token: string }
  | {
      appId: string
      publicKey: KeyObject
      /** Tokens given out to installations, newest last; taking one away makes it invalid. */
      tokens: string[]
    }

const ofApp: readonly OperationId[] = [
  'apps/get-repo-installation',
  'apps/create-installation-access-token',
  'apps/list-installations',
]

/** Whether `authorization` opens the operation. */
export function judgeToken(
  credential: KnownCredential,
  authorization: string | undefined,
  operation: OperationId,
): boolean {
  const [scheme = '', given = ''] = (authorization ?? '').split(' ')
  if ('token' in credential) return scheme === 'token' && given === credential.token
  if (ofApp.includes(operation)) return isSignedByApp(credential, given)
  return credential.tokens.includes(given)
}

function isSignedByApp(app: { appId: string; publicKey: KeyObject }, jwt: string): boolean {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const verify = createVerify('RSA-SHA256').update(`${header}.${payload}`)
  if (!verify.verify(app.publicKey, signature, 'base64url')) return false
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as {
    iss: string | number
    exp: number
  }
  const left = claims.exp - Date.now() / 1000
  return String(claims.iss) === app.appId && left > 0 && left <= 600
}
