import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { type Configuration, Provider } from 'oidc-provider'
import { createProviderMemory } from './oidc-memory.ts'

/** What an account has at the issuer, as Keycloak puts it into tokens. */
export interface IssuerAccount {
  sub: string
  claims: Record<string, unknown>
}

/** A certified OpenID provider, with the paths and the claims of a realm of Keycloak. */
export interface TestIssuer {
  readonly issuer: string
  /** What was asked of it: `GET /certs`, without the path of the realm's protocol. */
  readonly requests: string[]
  /** What went wrong inside of it. */
  readonly failures: unknown[]
  /** Who signs in when asked; null: they say no. */
  account: IssuerAccount | null
  /** Lets a browser be sent back to a server that listens by now. */
  allow(origin: string): void
  /** A token as it would sign it, with any claims and header, or another key. */
  sign(claims?: JWTPayload, options?: SignOptions): Promise<string>
  /** Another key signs from now on; the one before is published still, or is not. */
  rotate(options: { keep: boolean }): Promise<void>
  /** Access token of the client `slipway-worker`, a service account. */
  ofWorker(): Promise<string>
  /** An account has other claims from now on, whoever signs in. */
  change(account: IssuerAccount): void
  /** Ends everybody's refresh tokens. */
  revokeAll(): void
  /** Does not answer any more, until `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export interface SignOptions {
  header?: Record<string, unknown>
  /** Default: the issuer's own. */
  key?: SigningKey
  /** Takes claims away. */
  without?: readonly string[]
}

export interface SigningKey {
  kid: string
  alg: string
  privateKey: CryptoKey
  jwk: JWK
}

export interface IssuerOptions {
  /** Seconds. Default 3,600. */
  accessTokenTtl?: number
  audience?: string
}

const realm = '/realms/slipway'
const protocol = '/protocol/openid-connect'
let keys = 0

export async function newKey(alg = 'RS256'): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const kid = `key-${++keys}`
  return {
    kid,
    alg,
    privateKey,
    jwk: { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' },
  }
}

export const ada: IssuerAccount = {
  sub: '0d5a8a0e-7f5e-4c43-9a35-1f0a3f0f2d11',
  claims: {
    email: 'ada@example.com',
    email_verified: true,
    preferred_username: 'ada',
    realm_access: { roles: ['developer', 'offline_access'] },
  },
}

export async function startIssuer(options: IssuerOptions = {}): Promise<TestIssuer> {
  const { audience = 'slipway-api', accessTokenTtl = 3_600 } = options
  const memory = createProviderMemory()
  const requests: string[] = []
  const failures: unknown[] = []
  const origins: string[] = []
  let signing = [await newKey()]
  let provider: Provider
  let issuer = ''
  let generation = 0
  let server: Server | null = null
  let port = 0

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? '/', 'http://x').pathname
    requests.push(`${request.method ?? ''} ${path.replace(realm, '').replace(protocol, '')}`)
    if (path.startsWith(`${realm}/interaction/`)) return interact(request, response)
    // As a framework does that mounts it.
    Object.assign(request, {
      originalUrl: request.url,
      url: (request.url ?? '').slice(realm.length),
    })
    await provider.callback()(request, response)
  }

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { account } = test
    const result =
      account === null
        ? { error: 'access_denied', error_description: 'said no' }
        : { login: { accountId: account.sub } }
    accounts.set(account?.sub ?? '', account)
    await provider.interactionFinished(request, response, result)
  }

  const accounts = new Map<string, IssuerAccount | null>([[ada.sub, ada]])

  function build(): Provider {
    const built = new Provider(issuer, configure())
    built.on('server_error', (_context, error) => void failures.push(error))
    return built
  }

  function configure(): Configuration {
    return {
      adapter: memory.adapter,
      jwks: { keys: signing.map(({ jwk }) => jwk) },
      cookies: { keys: ['a-key-for-cookies-in-tests'] },
      pkce: { required: () => true },
      clients: [
        {
          client_id: 'slipway-web',
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: ['http://127.0.0.1/', ...origins.map((at) => `${at}/v1/sign-in/callback`)],
          post_logout_redirect_uris: origins.map((at) => `${at}/`),
        },
        {
          client_id: 'slipway-cli',
          token_endpoint_auth_method: 'none',
          grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
          response_types: [],
          redirect_uris: [],
        },
        {
          client_id: 'slipway-worker',
          client_secret: 'a-secret-of-a-worker-for-tests',
          grant_types: ['client_credentials'],
          response_types: [],
          redirect_uris: [],
        },
      ],
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['preferred_username'],
      },
      findAccount: (_context, sub) => ({
        accountId: sub,
        claims: () => ({ sub, ...accounts.get(sub)?.claims }),
      }),
      async loadExistingGrant(context) {
        const grant = new context.oidc.provider.Grant({
          accountId: context.oidc.session?.accountId ?? '',
          clientId: context.oidc.client?.clientId ?? '',
        })
        grant.addOIDCScope('openid profile email offline_access')
        grant.addResourceScope(`urn:${audience}`, 'openid profile email')
        await grant.save()
        return grant
      },
      interactions: { url: (_context, { uid }) => `${realm}/interaction/${uid}` },
      issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
      ttl: {
        AccessToken: accessTokenTtl,
        ClientCredentials: accessTokenTtl,
        RefreshToken: 2_592_000,
      },
      features: {
        devInteractions: { enabled: false },
        deviceFlow: { enabled: true },
        clientCredentials: { enabled: true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => `urn:${audience}`,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            audience,
            scope: 'openid profile email',
            accessTokenFormat: 'jwt',
            accessTokenTTL: accessTokenTtl,
            jwt: { sign: { alg: signing[0]?.alg as 'RS256' } },
          }),
        },
      },
      async extraTokenClaims(_context, token) {
        const azp = token.clientId
        if (token.kind === 'ClientCredentials') {
          return {
            azp,
            preferred_username: `service-account-${azp ?? ''}`,
            realm_access: { roles: ['service-account', 'viewer', 'worker'] },
          }
        }
        return { azp, ...accounts.get(token.accountId)?.claims }
      },
      formats: {
        customizers: {
          jwt(_context, _token, jwt) {
            // As Keycloak has it.
            jwt.header = { typ: 'JWT' }
            Object.assign(jwt.payload, { typ: 'Bearer' })
          },
        },
      },
      routes: {
        authorization: `${protocol}/auth`,
        token: `${protocol}/token`,
        jwks: `${protocol}/certs`,
        end_session: `${protocol}/logout`,
        revocation: `${protocol}/revoke`,
        userinfo: `${protocol}/userinfo`,
        device_authorization: `${protocol}/auth/device`,
        code_verification: '/device',
      },
    }
  }

  async function listen(): Promise<void> {
    server = createServer((request, response) => {
      answer(request, response).catch((error: unknown) => {
        failures.push(error)
        response.destroy()
      })
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  async function end(): Promise<void> {
    if (server === null) return
    const closed = once(server, 'close')
    server.close().closeAllConnections()
    server = null
    await closed
  }

  await listen()
  issuer = `http://127.0.0.1:${port}${realm}`
  provider = build()

  const test: TestIssuer = {
    issuer,
    requests,
    failures,
    account: ada,
    allow(origin) {
      origins.push(origin)
      provider = build()
    },
    async sign(claims = {}, { header = {}, key = signing[0], without = [] } = {}) {
      if (key === undefined) throw new Error('there is no key')
      const now = Math.floor(Date.now() / 1000)
      const payload: JWTPayload = {
        iss: issuer,
        aud: [audience, 'account'],
        sub: ada.sub,
        typ: 'Bearer',
        azp: 'slipway-web',
        iat: now,
        exp: now + 300,
        jti: `jti-${++generation}`,
        ...ada.claims,
        ...claims,
      }
      for (const name of without) delete payload[name]
      return new SignJWT(payload)
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
        .sign(key.privateKey, {
          crit: Object.fromEntries([header['crit'] ?? []].flat().map((name) => [name, true])),
        })
    },
    async rotate({ keep }) {
      signing = [await newKey(), ...(keep ? signing.slice(0, 1) : [])]
      provider = build()
    },
    async ofWorker() {
      const response = await fetch(`${issuer}${protocol}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from('slipway-worker:a-secret-of-a-worker-for-tests').toString('base64')}`,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
      const answer = (await response.json()) as { access_token?: string }
      if (answer.access_token === undefined) throw new Error(JSON.stringify(answer))
      return answer.access_token
    },
    change: (account) => void accounts.set(account.sub, account),
    revokeAll() {
      memory.forget('RefreshToken')
    },
    stop: end,
    start: listen,
    close: end,
  }
  return test
}
