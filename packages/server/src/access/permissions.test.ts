import type { Role } from '@slipway/contract/access'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../ports/identity.ts'
import {
  allows,
  isServiceAccount,
  mayGrant,
  permissions,
  permissionsOfRole,
  requirePermission,
} from './permissions.ts'

const roles = Object.keys(permissionsOfRole) as Role[]
const someRoles = fc.uniqueArray(fc.constantFrom(...roles))
const withRoles = (given: readonly Role[]): Principal => ({
  id: 'x',
  name: 'x',
  roles: given,
  repositories: null,
})

describe('roles', () => {
  const viewer = [
    'runs:read',
    'logs:read',
    'events:read',
    'releases:read',
    'registry:pull',
    'search:read',
    'environments:read',
    'approvals:read',
    'deployments:read',
    'gitops:read',
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
  it.each<[Role, string[]]>([
    ['viewer', viewer],
    [
      'developer',
      [
        ...viewer,
        'runs:create',
        'runs:cancel',
        'releases:create',
        'releases:alias',
        'deployments:create',
        'approvals:create',
        'secrets:read',
        'builds:create',
        'delegations:create',
        'delegations:cancel',
        'pipelines:trigger',
      ],
    ],
    ['approver', [...viewer, 'approvals:create']],
    [
      'operator',
      [
        ...viewer,
        'runs:create',
        'runs:cancel',
        'releases:create',
        'releases:alias',
        'deployments:create',
        'deployments:report',
        'workers:read',
        'workers:manage',
        'approvals:create',
        'webhooks:read',
        'webhooks:manage',
        'pull-requests:approve',
        'secrets:read',
        'secrets:manage',
        'credentials:read',
        'credentials:manage',
        'repositories:manage',
        'registries:manage',
        'branding:manage',
        'configurations:manage',
        'builds:create',
        'builds:manage',
        'delegations:create',
        'delegations:cancel',
        'runners:register',
        'runners:manage',
        'retention:read',
        'pipelines:trigger',
      ],
    ],
    [
      'service-account',
      [
        'workers:report',
        'workers:work',
        'runs:create',
        'runs:dispatch',
        'releases:read',
        'releases:create',
        'registry:pull',
        'deployments:read',
        'deployments:create',
        'deployments:report',
        'gitops:read',
        'delegations:read',
        'delegations:create',
        'delegations:report',
        'runners:read',
        'runners:register',
      ],
    ],
    ['worker', ['workers:work']],
    [
      'admin',
      permissions.filter(
        (one) =>
          !['runs:dispatch', 'workers:report', 'workers:work', 'delegations:report'].includes(one),
      ),
    ],
  ])('%s has exactly its permissions', (role, expected) => {
    expect(
      permissions.filter((permission) => allows(withRoles([role]), permission)).toSorted(),
    ).toEqual(expected.toSorted())
  })

  it('add up', () => {
    fc.assert(
      fc.property(someRoles, fc.constantFrom(...permissions), (given, permission) => {
        const any = given.some((role) => allows(withRoles([role]), permission))
        expect(allows(withRoles(given), permission)).toBe(any)
      }),
    )
  })

  it('are given away only by who may do as much', () => {
    fc.assert(
      fc.property(someRoles, fc.constantFrom(...roles), (given, role) => {
        const principal = withRoles(given)
        if (given.includes('admin') || !mayGrant(principal, role)) return
        const gained = withRoles([...given, role])
        for (const permission of permissions) {
          expect(allows(gained, permission)).toBe(allows(principal, permission))
        }
        if (isServiceAccount(gained)) {
          expect(isServiceAccount(principal)).toBe(true)
        }
      }),
    )
  })

  it('can all be given away by an administrator', () => {
    expect(roles.filter((role) => !mayGrant(withRoles(['admin']), role))).toEqual([])
  })

  it('say which permission is missing', () => {
    expect(() => requirePermission(withRoles(['viewer']), 'runs:create')).toThrow(
      'This needs the permission runs:create',
    )
    expect(() => requirePermission(withRoles(['developer']), 'runs:create')).not.toThrow()
  })
})
