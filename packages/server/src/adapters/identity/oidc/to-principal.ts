import type { Role } from '@slipway/contract/access'
import { machineRoles, permissionsOfRole } from '../../../access/index.ts'
import type { Principal } from '../../../ports/identity.ts'
import type { VerifiedJwt } from './verify-jwt.ts'

export interface PrincipalOptions {
  issuer: string
  /** Id of the client that our API is at the issuer. */
  audience: string
  /** What our roles' names begin with at the issuer. */
  rolePrefix: string
}

type Claims = Readonly<Record<string, unknown>>

/** Names that the audit log uses for what is not of the issuer. */
const reservedNames: ReadonlySet<string> = new Set(['admin', 'anonymous', 'signed link'])

const repositoryName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,98}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/

/**
 * Why a verified JWT is no access token: an ID token or a refresh token shows who somebody is to somebody
 * else, and a token that is bound to a key is good only together with a proof, which we do not check.
 * Keycloak says `typ: Bearer` in the claims, RFC 9068 `at+jwt` in the header, others nothing.
 */
export function objectToUse({ claims, typ }: Pick<VerifiedJwt, 'claims' | 'typ'>): string | null {
  const kind = typ?.toLowerCase().replace(/^application\//, '')
  if (kind !== undefined && kind !== 'jwt' && kind !== 'at+jwt') return `typ ${typ} is not taken`
  const said = claims['typ']
  if (said !== undefined && said !== 'Bearer')
    return `its typ is ${JSON.stringify(said)}, not Bearer`
  if (claims['cnf'] !== undefined) return 'is bound to a key'
  const isDeclared = kind === 'at+jwt' || said === 'Bearer'
  const isOfIdToken = ['nonce', 'at_hash', 'c_hash'].some((claim) => claims[claim] !== undefined)
  return isOfIdToken && !isDeclared ? 'is an ID token' : null
}

/** Who an access token is, from its claims. */
export function toPrincipal(
  { claims, until }: Pick<VerifiedJwt, 'claims' | 'until'>,
  options: PrincipalOptions,
): Principal {
  return {
    id: `${options.issuer}|${claims.sub ?? ''}`,
    name: nameOf(claims),
    roles: rolesOf(claims, options),
    repositories: repositoriesOf(claims),
    expiresAt: until,
  }
}

/**
 * The e-mail address if the issuer has verified it, for anybody can claim to have another's; else the name
 * at the issuer, else the subject. A name that stands for something else here is told apart.
 */
function nameOf(claims: Claims): string {
  const { email, email_verified: isVerified, preferred_username: username, sub } = claims
  const name =
    isVerified === true && isName(email) ? email : isName(username) ? username : String(sub)
  const short = name.slice(0, 200)
  return reservedNames.has(short.toLowerCase()) ? `oidc:${short}` : short
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[^\p{Cc}\p{Cs}]+$/u.test(value) && value.trim() !== ''
}

/**
 * Roles of the realm, and those of our own client: what another client calls a role is not ours to
 * believe. Only a client itself, not a person, can be a machine.
 */
function rolesOf(claims: Claims, { audience, rolePrefix }: PrincipalOptions): Role[] {
  const ofClients = asObject(claims['resource_access'])
  const ofOurs = Object.hasOwn(ofClients, audience) ? asObject(ofClients[audience]) : {}
  const given = [asObject(claims['realm_access'])['roles'], ofOurs['roles']].flatMap(asTexts)
  const names = given
    .filter((name) => name.startsWith(rolePrefix))
    .map((name) => name.slice(rolePrefix.length))
  return [...new Set(names)]
    .filter((name): name is Role => Object.hasOwn(permissionsOfRole, name))
    .filter((role) => !machineRoles.has(role) || isOfClient(claims))
}

/**
 * Whether a client got the token for itself (RFC 6749, 4.4): Keycloak gives it a user named after it, others
 * make the client the subject (RFC 9068, 2.2).
 */
function isOfClient(claims: Claims): boolean {
  const { azp, client_id: clientId, preferred_username: username, sub } = claims
  const client = typeof azp === 'string' ? azp : clientId
  if (typeof client !== 'string' || client === '') return false
  return username === `service-account-${client}` || sub === client
}

/** Absent: all. What is there and no name of a repository opens none. */
function repositoriesOf(claims: Claims): string[] | null {
  const { repositories } = claims
  if (repositories === undefined) return null
  return [...new Set([repositories].flat().filter(isRepositoryName))]
}

function isRepositoryName(value: unknown): value is string {
  return typeof value === 'string' && repositoryName.test(value)
}

function asObject(value: unknown): Claims {
  return typeof value === 'object' && value !== null ? (value as Claims) : {}
}

function asTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}
