import { createHmac, createPublicKey } from 'node:crypto'
import { importJWK, type JWK, type JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  openIssuerKeys,
  type IssuerKeysOptions,
} from '../../packages/server/src/adapters/identity/oidc/issuer-keys.ts'
import { openOidcTokens } from '../../packages/server/src/adapters/identity/oidc/open-oidc-tokens.ts'
import type { PrincipalOptions } from '../../packages/server/src/adapters/identity/oidc/to-principal.ts'
import {
  ada,
  type IssuerOptions,
  newKey,
  startIssuer,
  type TestIssuer,
} from '../support/oidc-issuer.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

let shared: TestIssuer
beforeAll(async () => void (shared = await startIssuer()))
afterAll(() => shared.close())

function open(
  issuer: TestIssuer,
  more: Partial<PrincipalOptions> & Partial<IssuerKeysOptions> = {},
) {
  const options = { issuer: issuer.issuer, audience: 'slipway-api', rolePrefix: '', ...more }
  const keys = openIssuerKeys({ log }, { allowHttp: true, ...options })
  return openOidcTokens({ log, keys }, options)
}

async function own(options?: IssuerOptions): Promise<TestIssuer> {
  const issuer = await startIssuer(options)
  onTestFinished(() => issuer.close())
  return issuer
}

const seconds = () => Math.floor(Date.now() / 1000)
const asked = (issuer: TestIssuer) =>
  issuer.requests.filter((request) => request === 'GET /certs').length

describe('the identity of an OpenID issuer', () => {
  it('knows a person by an access token', async () => {
    const iat = seconds()
    const principal = await open(shared).authenticate(await shared.sign({ iat, exp: iat + 300 }))
    expect(principal).toEqual({
      id: `${shared.issuer}|${ada.sub}`,
      name: 'ada@example.com',
      roles: ['developer'],
      repositories: null,
      expiresAt: (iat + 300 + 60) * 1000,
    })
  })

  it('knows a service account by the token that the issuer gives it', async () => {
    const principal = await open(shared).authenticate(await shared.ofWorker())
    expect(principal).toMatchObject({
      name: 'service-account-slipway-worker',
      roles: ['service-account', 'viewer', 'worker'],
    })
  })

  it.each<[string, JWTPayload]>([
    ['has expired', { exp: seconds() - 61 }],
    ['is not valid yet', { nbf: seconds() + 120 }],
    ['was made in the future', { iat: seconds() + 120, exp: seconds() + 600 }],
    ['is for others', { aud: 'account' }],
    ['is for others by a list', { aud: ['account', 'slipway-apis'] }],
    ['is of another issuer', { iss: 'https://sso.example.com/realms/slipway' }],
    ['is of an issuer that begins the same', { iss: `${'http://127.0.0.1'}/realms/slipway` }],
    ['has no subject', { sub: '' }],
    ['is an ID token of Keycloak', { typ: 'ID' }],
    ['is a refresh token', { typ: 'Refresh' }],
    ['is bound to a key', { cnf: { jkt: 'x' } }],
    ['says when it ends in words', { exp: 'tomorrow' as unknown as number }],
  ])('refuses a token that %s', async (_what, claims) => {
    expect(await open(shared).authenticate(await shared.sign(claims))).toBeNull()
  })

  it.each([['exp'], ['iat'], ['sub'], ['aud'], ['iss']])(
    'refuses a token without %s',
    async (name) => {
      expect(await open(shared).authenticate(await shared.sign({}, { without: [name] }))).toBeNull()
    },
  )

  it('refuses what shows a client who somebody is', async () => {
    const idToken = await shared.sign({ nonce: 'n', at_hash: 'h' }, { without: ['typ'] })
    expect(await open(shared).authenticate(idToken)).toBeNull()
    const accessToken = await shared.sign(
      { nonce: 'n' },
      { without: ['typ'], header: { typ: 'at+jwt' } },
    )
    expect(await open(shared).authenticate(accessToken)).not.toBeNull()
  })

  it.each(['JOSE', 'logout+jwt', 'dpop+jwt'])('refuses the header typ %s', async (typ) => {
    expect(await open(shared).authenticate(await shared.sign({}, { header: { typ } }))).toBeNull()
  })

  it('refuses a token that was tampered with', async () => {
    const token = await shared.sign()
    const [head = '', , signature = ''] = token.split('.')
    const claims = { ...claimsOf(token), realm_access: { roles: ['admin'] } }
    const forged = `${head}.${encode(claims)}.${signature}`
    expect(await open(shared).authenticate(forged)).toBeNull()
    expect(await open(shared).authenticate(`${token.slice(0, -4)}AAAA`)).toBeNull()
  })

  it('refuses a token without a signature', async () => {
    const claims = encode(claimsOf(await shared.sign()))
    for (const head of [{ alg: 'none' }, { alg: 'None', typ: 'JWT' }, {}]) {
      expect(await open(shared).authenticate(`${encode(head)}.${claims}.`)).toBeNull()
      expect(await open(shared).authenticate(`${encode(head)}.${claims}.AAAA`)).toBeNull()
    }
  })

  it('refuses a signature for which the public key was taken as a secret', async () => {
    const { keys } = (await (
      await fetch(`${shared.issuer}/protocol/openid-connect/certs`)
    ).json()) as { keys: [JWK & { kid: string }] }
    const pem = createPublicKey({ key: keys[0], format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString()
    const head = encode({ alg: 'HS256', typ: 'JWT', kid: keys[0].kid })
    const content = `${head}.${encode(claimsOf(await shared.sign()))}`
    const signature = createHmac('sha256', pem).update(content).digest('base64url')
    expect(await open(shared).authenticate(`${content}.${signature}`)).toBeNull()
  })

  it('refuses a key that the token brings along', async () => {
    const key = await newKey()
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = key.jwk
    const token = await shared.sign({}, { key, header: { jwk, jku: 'http://127.0.0.1:1/keys' } })
    expect(await importJWK(jwk, 'RS256')).toBeTruthy()
    expect(await open(shared).authenticate(token)).toBeNull()
  })

  it('refuses a key of another that has the name of the issuer’s', async () => {
    const token = await shared.sign()
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
      kid: string
    }
    const forged = await shared.sign({}, { key: { ...(await newKey()), kid } })
    expect(await open(shared).authenticate(forged)).toBeNull()
  })

  it('refuses a header that has to be understood and is not', async () => {
    const token = await shared.sign({}, { header: { crit: ['x-must'], 'x-must': 1 } })
    expect(await open(shared).authenticate(token)).toBeNull()
  })

  it.each([
    ['nothing', ''],
    ['an API token', 'slw_x'],
    ['two parts', 'a.b'],
    ['three letters', 'a.b.c'],
    ['four parts', 'a.b.c.d'],
    ['dots', '...'],
    ['no claims', 'eyJhbGciOiJSUzI1NiJ9.e30.x'],
    ['something too long', `${'a'.repeat(9000)}.${'b'.repeat(9000)}.c`],
  ])('does not know %s, and asks nobody', async (_what, text) => {
    const issuer = await own()
    expect(await open(issuer).authenticate(text)).toBeNull()
    expect(issuer.requests).toEqual([])
  })

  it('tolerates clocks that differ by a minute, and no more', async () => {
    const identity = open(shared)
    const now = seconds()
    const good = [{ exp: now - 50 }, { nbf: now + 50 }, { iat: now + 50, exp: now + 600 }]
    for (const claims of good) {
      expect(await identity.authenticate(await shared.sign(claims))).not.toBeNull()
    }
  })

  it('ends a token when it expires, also where it is remembered', async () => {
    const identity = open(shared)
    const token = await shared.sign({ exp: seconds() - 58 })
    expect(await identity.authenticate(token)).not.toBeNull()
    await expect.poll(() => identity.authenticate(token), { timeout: 5_000 }).toBeNull()
  })
})

describe('roles, names and repositories', () => {
  const principal = async (claims: JWTPayload, options: Partial<PrincipalOptions> = {}) =>
    open(shared, options).authenticate(await shared.sign(claims))

  it.each<[JWTPayload, string[]]>([
    [{ realm_access: { roles: ['viewer', 'operator', 'viewer'] } }, ['viewer', 'operator']],
    [{ resource_access: { 'slipway-api': { roles: ['admin'] } } }, ['developer', 'admin']],
    [{ resource_access: { 'realm-management': { roles: ['admin'] } } }, ['developer']],
    [{ realm_access: { roles: ['emperor', 'Admin', ' admin', '__proto__', 7, null] } }, []],
    [{ realm_access: { roles: 'admin' } }, []],
    [{ realm_access: ['admin'] }, []],
    [{ realm_access: undefined, roles: ['admin'], groups: ['admin'] }, []],
    [
      JSON.parse('{"resource_access": {"__proto__": {"roles": ["admin"]}}}') as JWTPayload,
      ['developer'],
    ],
  ])('of %j are %j', async (claims, roles) => {
    expect((await principal(claims))?.roles).toEqual(roles)
  })

  it('have the prefix that they are to have', async () => {
    const realm_access = { roles: ['slipway-viewer', 'admin', 'slipway-', 'x-slipway-admin'] }
    expect((await principal({ realm_access }, { rolePrefix: 'slipway-' }))?.roles).toEqual([
      'viewer',
    ])
  })

  it.each<[string, JWTPayload, boolean]>([
    ['a client', { azp: 'w', preferred_username: 'service-account-w' }, true],
    ['a client that is the subject', { azp: undefined, client_id: 'w', sub: 'w' }, true],
    ['a person', {}, false],
    ['a person who is called like one', { preferred_username: 'service-account-w' }, false],
    ['a person with no client', { azp: '', preferred_username: 'service-account-' }, false],
  ])('make of %s what they are: service account or not', async (_who, claims, isOne) => {
    const realm_access = { roles: ['service-account', 'worker'] }
    expect((await principal({ ...claims, realm_access }))?.roles).toEqual(
      isOne ? ['service-account', 'worker'] : [],
    )
  })

  it('make no service account of a client that lacks the role', async () => {
    const claims = { azp: 'w', preferred_username: 'service-account-w' }
    expect((await principal(claims))?.roles).toEqual(['developer'])
  })

  it.each<[JWTPayload, string]>([
    [{}, 'ada@example.com'],
    [{ email_verified: false }, 'ada'],
    [{ email_verified: undefined }, 'ada'],
    [{ email_verified: 'true' }, 'ada'],
    [{ email: undefined }, 'ada'],
    [{ email: undefined, preferred_username: undefined }, ada.sub],
    [{ email: 'a\nb', preferred_username: '  ' }, ada.sub],
    [{ email: undefined, preferred_username: 'admin' }, 'oidc:admin'],
    [{ email: undefined, preferred_username: 'Anonymous' }, 'oidc:Anonymous'],
  ])('name somebody with %j %s', async (claims, name) => {
    expect((await principal(claims))?.name).toBe(name)
  })

  it.each<[unknown, string[] | null]>([
    [undefined, null],
    [
      ['acme/shop', 'acme/site', 'acme/shop'],
      ['acme/shop', 'acme/site'],
    ],
    ['acme/shop', ['acme/shop']],
    [[], []],
    [null, []],
    [['*', 'acme/..', 7, { a: 1 }, 'acme/shop'], ['acme/shop']],
  ])('limit by the claim repositories %j to %j', async (repositories, seen) => {
    expect((await principal({ repositories }))?.repositories).toEqual(seen)
  })
})

describe('the keys of an issuer', () => {
  it('are asked for once for many tokens at once, and not again while they are fresh', async () => {
    const issuer = await own()
    const identity = open(issuer)
    const tokens = await Promise.all(Array.from({ length: 10 }, () => issuer.sign()))
    await Promise.all(tokens.map((token) => identity.authenticate(token)))
    await identity.authenticate(await issuer.sign())
    expect(asked(issuer)).toBe(1)
  })

  it('are asked for again when a token names a new one', async () => {
    const issuer = await own()
    const identity = open(issuer, { cooldownMs: 0 })
    const before = await issuer.sign()
    expect(await identity.authenticate(before)).not.toBeNull()
    await issuer.rotate({ keep: true })
    expect(await identity.authenticate(await issuer.sign())).not.toBeNull()
    expect(await identity.authenticate(before)).not.toBeNull()
    expect(asked(issuer)).toBe(2)
  })

  it('that the issuer withdraws end their tokens', async () => {
    const issuer = await own()
    const identity = open(issuer, { cooldownMs: 0 })
    const before = await issuer.sign()
    expect(await identity.authenticate(before)).not.toBeNull()
    await issuer.rotate({ keep: false })
    expect(await identity.authenticate(await issuer.sign())).not.toBeNull()
    expect(await identity.authenticate(before)).toBeNull()
  })

  it('cannot be asked for again and again by tokens that name others', async () => {
    const issuer = await own()
    const identity = open(issuer, { cooldownMs: 60_000 })
    expect(await identity.authenticate(await issuer.sign())).not.toBeNull()
    for (let n = 0; n < 20; n++) {
      const token = await issuer.sign({}, { header: { kid: `made-up-${n}` } })
      expect(await identity.authenticate(token)).toBeNull()
    }
    expect(asked(issuer)).toBe(1)
  })

  it('are not asked for because of tokens of other issuers', async () => {
    const issuer = await own()
    const identity = open(issuer, { cooldownMs: 0 })
    const token = await issuer.sign({ iss: 'https://example.com' }, { header: { kid: 'x' } })
    expect(await identity.authenticate(token)).toBeNull()
    expect(issuer.requests).toEqual([])
  })

  it('that are old are asked for while they serve on', async () => {
    const issuer = await own()
    const identity = open(issuer, { cooldownMs: 0, maxAgeMs: 0 })
    expect(await identity.authenticate(await issuer.sign())).not.toBeNull()
    await issuer.stop()
    expect(await identity.authenticate(await issuer.sign())).not.toBeNull()
    await issuer.start()
    await expect
      .poll(async () => {
        await identity.authenticate(await issuer.sign())
        return asked(issuer)
      })
      .toBeGreaterThan(1)
  })
})

describe('while the issuer is away', () => {
  it('known tokens go on, and known keys let new ones in', async () => {
    const issuer = await own()
    const identity = open(issuer, { cooldownMs: 0 })
    const known = await issuer.sign()
    expect(await identity.authenticate(known)).not.toBeNull()
    await issuer.stop()
    expect(await identity.authenticate(known)).not.toBeNull()
    expect(await identity.authenticate(await issuer.sign({ sub: 'another' }))).not.toBeNull()
    expect(await identity.authenticate(await issuer.sign({ aud: 'others' }))).toBeNull()
  })

  it('nothing is said of a token whose key is not known', async () => {
    const issuer = await own()
    const identity = open(issuer, { cooldownMs: 0 })
    expect(await identity.authenticate(await issuer.sign())).not.toBeNull()
    await issuer.rotate({ keep: true })
    await issuer.stop()
    const token = await issuer.sign()
    await expect(identity.authenticate(token)).rejects.toThrow('could not be read')
    await issuer.start()
    await expect.poll(() => identity.authenticate(token)).not.toBeNull()
  })

  it('nothing is said of any token where no key was ever known, without waiting each time', async () => {
    const issuer = await own()
    await issuer.stop()
    const identity = open(issuer, { cooldownMs: 60_000 })
    const token = await issuer.sign()
    await expect(identity.authenticate(token)).rejects.toThrow('could not be read')
    await issuer.start()
    await expect(identity.authenticate(token)).rejects.toThrow('a moment ago')
    expect(issuer.requests).toEqual([])
  })

  it('what is there and calls itself otherwise is not it', async () => {
    const issuer = await own()
    const identity = open(issuer, { issuer: `${issuer.issuer}/` })
    const token = await issuer.sign({ iss: `${issuer.issuer}/` })
    await expect(identity.authenticate(token)).rejects.toThrow('calls itself')
  })
})

function claimsOf(token: string): JWTPayload {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
