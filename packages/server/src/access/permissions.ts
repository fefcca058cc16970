import type { Role } from '@slipway/contract/access'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

/** What a route may ask for. Each one guards at least one route. */
export const permissions = [
  'runs:read',
  'runs:create',
  'runs:cancel',
  'runs:dispatch',
  'logs:read',
  'events:read',
  'workers:read',
  'workers:manage',
  'workers:report',
  'workers:work',
  'releases:read',
  'releases:create',
  'releases:alias',
  'search:read',
  'environments:read',
  'approvals:read',
  'approvals:create',
  'deployments:read',
  'deployments:create',
  'deployments:report',
  'gitops:read',
  'registry:pull',
  'webhooks:read',
  'webhooks:manage',
  'pull-requests:read',
  'pull-requests:approve',
  'secrets:read',
  'secrets:manage',
  'credentials:read',
  'credentials:manage',
  'repositories:read',
  'repositories:manage',
  'registries:read',
  'registries:manage',
  'branding:read',
  'branding:manage',
  'configurations:read',
  'configurations:manage',
  'builds:read',
  'builds:create',
  'builds:manage',
  'delegations:read',
  'delegations:create',
  'delegations:cancel',
  'delegations:report',
  'runners:read',
  'runners:register',
  'runners:manage',
  'pipelines:read',
  'pipelines:trigger',
  'metrics:read',
  'tokens:manage',
  'audit:read',
  'retention:read',
  'retention:manage',
] as const
export type Permission = (typeof permissions)[number]

const viewer: readonly Permission[] = [
  'runs:read',
  'logs:read',
  'events:read',
  'releases:read',
  'search:read',
  'environments:read',
  'approvals:read',
  'deployments:read',
  'gitops:read',
  'registry:pull',
  'repositories:read',
  'registries:read',
  'branding:read',
  'configurations:read',
  'builds:read',
  'delegations:read',
  'runners:read',
  'pull-requests:read',
  'pipelines:read',
  'metrics:read',
]
const developer: readonly Permission[] = [
  ...viewer,
  'runs:create',
  'runs:cancel',
  'deployments:create',
  'releases:create',
  'releases:alias',
  'approvals:create',
  'secrets:read',
  'builds:create',
  'delegations:create',
  'delegations:cancel',
  'pipelines:trigger',
]

/** What is said in the name of a worker or a runner. */
const onlyServiceAccounts: ReadonlySet<Permission> = new Set([
  'runs:dispatch',
  'workers:report',
  'workers:work',
  'delegations:report',
])

/** What each role may do; a token with several roles may do what any of them may. */
export const permissionsOfRole: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  viewer: new Set(viewer),
  developer: new Set(developer),
  approver: new Set<Permission>([...viewer, 'approvals:create']),
  operator: new Set<Permission>([
    ...developer,
    'workers:read',
    'workers:manage',
    'deployments:report',
    'webhooks:read',
    'webhooks:manage',
    'pull-requests:approve',
    'secrets:manage',
    'credentials:read',
    'credentials:manage',
    'repositories:manage',
    'registries:manage',
    'branding:manage',
    'configurations:manage',
    'builds:manage',
    'runners:register',
    'runners:manage',
    'retention:read',
  ]),
  // Not even an administrator reports in a worker's or runner's name ("Internal Pipeline APIs").
  admin: new Set(permissions.filter((permission) => !onlyServiceAccounts.has(permission))),
  // Limited to what workers do (API & Operations Reference, "Authentication Requirements").
  'service-account': new Set<Permission>([
    'workers:report',
    'workers:work',
    'runs:create',
    'runs:dispatch',
    'registry:pull',
    'releases:read',
    'releases:create',
    'deployments:read',
    'deployments:create',
    'deployments:report',
    'gitops:read',
    'delegations:read',
    'delegations:create',
    'delegations:report',
    'runners:read',
    'runners:register',
  ]),
  // Whoever works is given the secrets of the jobs. A service account may as well, and much more than a worker has to.
  worker: new Set<Permission>(['workers:work']),
}

/** Whether any of the principal's roles has the permission. */
export function allows(principal: Principal, permission: Permission): boolean {
  for (const role of principal.roles) {
    if (permissionsOfRole[role].has(permission)) return true
  }
  return false
}

/** Service accounts are believed when they say who caused a run. */
export function isServiceAccount(principal: Principal): boolean {
  return principal.roles.includes('service-account')
}

/** Roles of machines: nobody's requests are counted who has one, and only an administrator gives them. */
export const machineRoles: ReadonlySet<Role> = new Set(['service-account', 'worker'])

/** Whether it is a machine that asks. */
export function isMachine(principal: Principal): boolean {
  return principal.roles.some((role) => machineRoles.has(role))
}

/**
 * Whether the principal may give this role away: an administrator may give any, others only what
 * they may do themselves, and never the role of a machine, which is believed in more.
 */
export function mayGrant(principal: Principal, role: Role): boolean {
  if (principal.roles.includes('admin') || principal.roles.includes(role)) return true
  if (machineRoles.has(role)) return false
  return [...permissionsOfRole[role]].every((permission) => allows(principal, permission))
}

/** Refuses with `authorization_failed`, naming what is missing. */
export function requirePermission(principal: Principal, permission: Permission): void {
  if (allows(principal, permission)) return
  throw new AppError('authorization_failed', `This needs the permission ${permission}`, {
    permission,
  })
}
