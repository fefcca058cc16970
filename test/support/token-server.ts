import { execFile } from 'node:child_process'
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface TokenServer {
  readonly realm: string
  readonly service: string
  readonly issuer: string
  readonly certificateFile: string
  /** What it was asked for, oldest first. */
  readonly asked: { scope: string | null; authorization: string | undefined }[]
  close(): Promise<void>
}

/**
 * Gives out the tokens of the Distribution token specification to one user, and to anybody those that
 * pull only.
 */
export async function startTokenServer(user: {
  username: string
  password: string
}): Promise<TokenServer> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-token-'))
  const keyFile = join(folder, 'key.pem')
  const certificateFile = join(folder, 'certificate.pem')
  const making = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test'.split(' ')
  await run('openssl', [...making, '-keyout', keyFile, '-out', certificateFile])
  const key = createPrivateKey(await readFile(keyFile))
  const certificate = new X509Certificate(await readFile(certificateFile))
  const [service, issuer] = ['test-registry', 'test-issuer']
  const expected = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`
  const asked: TokenServer['asked'] = []

  const issue = (scope: string | null, mayPush: boolean): string => {
    const [, name = '', actions = ''] = /^repository:(.+):([a-z,]+)$/.exec(scope ?? '') ?? []
    const granted = actions.split(',').filter((action) => action === 'pull' || mayPush)
    const now = Math.floor(Date.now() / 1000)
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const head = part({ typ: 'JWT', alg: 'RS256', x5c: [certificate.raw.toString('base64')] })
    const claims = part({
      iss: issuer,
      sub: user.username,
      aud: service,
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: randomUUID(),
      access: name === '' ? [] : [{ type: 'repository', name, actions: granted }],
    })
    const signature = sign('sha256', Buffer.from(`${head}.${claims}`), key).toString('base64url')
    return `${head}.${claims}.${signature}`
  }

  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://unused')
    const { authorization } = request.headers
    const scope = searchParams.get('scope')
    asked.push({ scope, authorization })
    const isUser = authorization === expected
    const isWrong =
      (authorization !== undefined && !isUser) || searchParams.get('service') !== service
    response.writeHead(isWrong ? 401 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isWrong ? {} : { token: issue(scope, isUser), expires_in: 300 }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    service,
    issuer,
    certificateFile,
    asked,
    async close() {
      server.close().closeAllConnections()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
