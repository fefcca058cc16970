import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Role } from '@slipway/contract/access'
import { beforeAll, describe, expect, it } from 'vitest'
import { settings } from '../../packages/server/src/config/settings.ts'
import { routeGuards } from '../../packages/server/src/http/route-permissions.ts'
import { repositoryRoot } from '../support/markdown.ts'

interface Client {
  clientId: string
  publicClient: boolean
  standardFlowEnabled: boolean
  implicitFlowEnabled: boolean
  directAccessGrantsEnabled: boolean
  serviceAccountsEnabled: boolean
  secret?: string
  redirectUris?: string[]
  webOrigins?: string[]
  attributes?: Record<string, string>
  protocolMappers?: { protocolMapper: string; config: Record<string, string> }[]
}

interface Realm {
  realm: string
  enabled: boolean
  sslRequired: string
  registrationAllowed: boolean
  editUsernameAllowed: boolean
  bruteForceProtected: boolean
  accessTokenLifespan: number
  ssoSessionIdleTimeout: number
  ssoSessionMaxLifespan: number
  revokeRefreshToken: boolean
  refreshTokenMaxReuse: number
  roles: { realm: { name: string }[] }
  clients: Client[]
  users: { username: string; serviceAccountClientId: string; realmRoles: string[] }[]
}

let text: string
let realm: Realm
beforeAll(async () => {
  text = await readFile(join(repositoryRoot, 'deploy/keycloak/realm-slipway.json'), 'utf8')
  realm = JSON.parse(text) as Realm
})
const client = (id: string): Client => {
  const found = realm.clients.find(({ clientId }) => clientId === id)
  if (found === undefined) throw new Error(`there is no client ${id}`)
  return found
}

describe('the realm for Keycloak', () => {
  it('lets access tokens last an hour, and refresh tokens 30 days and for one use', () => {
    expect(realm).toMatchObject({
      realm: 'slipway',
      enabled: true,
      accessTokenLifespan: 60 * 60,
      ssoSessionIdleTimeout: 30 * 86_400,
      ssoSessionMaxLifespan: 30 * 86_400,
      revokeRefreshToken: true,
      refreshTokenMaxReuse: 0,
    })
  })

  it('has our roles, all of them and no others', () => {
    const names = realm.roles.realm.map(({ name }) => name)
    expect(names).toEqual(Role.enum)
  })

  it('lets nobody name themselves', () => {
    expect(realm).toMatchObject({
      sslRequired: 'external',
      registrationAllowed: false,
      editUsernameAllowed: false,
      bruteForceProtected: true,
    })
  })

  it('has the clients that the settings are about', () => {
    expect(realm.clients.map(({ clientId }) => clientId)).toEqual([
      settings.OIDC_AUDIENCE.default,
      'slipway-web',
      'slipway-cli',
      'slipway-worker',
    ])
  })

  it('knows no password grant, no implicit flow and no secret', () => {
    for (const { implicitFlowEnabled, directAccessGrantsEnabled, secret } of realm.clients) {
      expect([implicitFlowEnabled, directAccessGrantsEnabled, secret]).toEqual([
        false,
        false,
        undefined,
      ])
    }
    expect(text).not.toMatch(/"(credentials|secret|privateKey)"/)
  })

  it('lets browsers in with PKCE, and back to the server’s own paths only', () => {
    const web = client('slipway-web')
    expect(web).toMatchObject({ publicClient: true, standardFlowEnabled: true, webOrigins: [] })
    expect(web.attributes?.['pkce.code.challenge.method']).toBe('S256')
    for (const uri of web.redirectUris ?? []) {
      expect(uri).not.toContain('*')
      expect(routeGuards).toHaveProperty([`GET ${new URL(uri).pathname}`])
    }
    const homes = (web.redirectUris ?? []).map((uri) => `${new URL(uri).origin}/`)
    expect(homes.length).toBeGreaterThan(0)
    expect(web.attributes?.['post.logout.redirect.uris']?.split('##')).toEqual(homes)
  })

  it('lets the command line in by the device flow alone', () => {
    const cli = client('slipway-cli')
    expect(cli).toMatchObject({ publicClient: true, standardFlowEnabled: false, redirectUris: [] })
    expect(cli.attributes).toEqual({ 'oauth2.device.authorization.grant.enabled': 'true' })
  })

  it('makes the worker’s client a service account, by its role', () => {
    expect(client('slipway-worker')).toMatchObject({
      publicClient: false,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
    })
    expect(realm.users).toEqual([
      {
        username: 'service-account-slipway-worker',
        enabled: true,
        serviceAccountClientId: 'slipway-worker',
        realmRoles: ['worker'],
      },
    ])
  })

  it.each(['slipway-web', 'slipway-cli', 'slipway-worker'])(
    'makes access tokens of %s out to the API, and no ID tokens',
    (id) => {
      const mappers = client(id).protocolMappers ?? []
      const audience = mappers.find((each) => each.protocolMapper === 'oidc-audience-mapper')
      expect(audience?.config).toMatchObject({
        'included.client.audience': settings.OIDC_AUDIENCE.default,
        'access.token.claim': 'true',
        'id.token.claim': 'false',
      })
      const attribute = mappers.find(({ config }) => config['claim.name'] === 'repositories')
      expect(attribute?.config).toMatchObject({ multivalued: 'true', 'access.token.claim': 'true' })
    },
  )

  it('lets nobody sign in as the API itself', () => {
    expect(client('slipway-api')).toMatchObject({
      publicClient: false,
      standardFlowEnabled: false,
      serviceAccountsEnabled: false,
    })
  })
})
