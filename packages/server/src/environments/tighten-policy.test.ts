import type { EnvironmentConfig } from '@slipway/forge'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EnvironmentPolicy, readEnvironments } from '../config/environments.ts'
import { mayDeployAutomatically } from './may-deploy-automatically.ts'
import { tightenPolicy } from './tighten-policy.ts'

const roles = ['developer', 'approver', 'operator', 'admin'] as const
const triggers = ['branch', 'tag', 'manual'] as const
const globs = fc.uniqueArray(fc.constantFrom('**', 'main', 'release/*', 'f*', 'x/**'), {
  maxLength: 3,
})
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null })

const somePolicy: fc.Arbitrary<EnvironmentPolicy> = fc.record({
  name: fc.constant('production'),
  approval: fc.record({
    required: fc.boolean(),
    approvals: fc.integer({ min: 1, max: 20 }),
    roles: fc.subarray([...roles], { minLength: 1 }),
    expiresMs: fc.integer({ min: 60_000, max: 2_592_000_000 }),
    selfApproval: fc.boolean(),
  }),
  branches: globs,
  repositoryBranches: fc.constant(null),
  triggers: fc.subarray([...triggers]),
  autoDeploy: fc.boolean(),
  logRetentionDays: fc.integer({ min: 1, max: 3650 }),
})
const someForge: fc.Arbitrary<EnvironmentConfig> = fc.record({
  name: fc.constant('production'),
  approval: fc.record({
    required: orNull(fc.boolean()),
    approvals: orNull(fc.integer({ min: 1, max: 20 })),
    roles: orNull(fc.subarray([...roles], { minLength: 1 })),
    expiresMs: orNull(fc.integer({ min: 60_000, max: 2_592_000_000 })),
    selfApproval: orNull(fc.boolean()),
  }),
  branches: orNull(globs),
  triggers: orNull(fc.subarray([...triggers])),
  autoDeploy: orNull(fc.boolean()),
  logRetentionDays: orNull(fc.integer({ min: 1, max: 3650 })),
})
const someRelease = fc.record({
  triggerType: fc.constantFrom('branch_push', 'tag', 'manual'),
  branch: orNull(fc.constantFrom('main', 'release/1', 'feature', 'x/y/z')),
})

describe('tightenPolicy', () => {
  it('never asks for less than the server', () => {
    fc.assert(
      fc.property(somePolicy, someForge, (server, forge) => {
        const { approval, ...tightened } = tightenPolicy(server, forge)
        expect(approval.required || !server.approval.required).toBe(true)
        expect(approval.approvals).toBeGreaterThanOrEqual(server.approval.approvals)
        expect(server.approval.roles).toEqual(expect.arrayContaining([...approval.roles]))
        expect(approval.expiresMs).toBeLessThanOrEqual(server.approval.expiresMs)
        expect(server.approval.selfApproval || !approval.selfApproval).toBe(true)
        expect(tightened.logRetentionDays).toBeLessThanOrEqual(server.logRetentionDays)
        expect(tightened.name).toBe(server.name)
      }),
    )
  })

  it('never deploys unasked what the server would not', () => {
    fc.assert(
      fc.property(somePolicy, someForge, someRelease, (server, forge, release) => {
        if (!mayDeployAutomatically(tightenPolicy(server, forge), release)) return
        expect(mayDeployAutomatically(server, release)).toBe(true)
      }),
    )
  })

  it('asks for everything that the repository asks for', () => {
    fc.assert(
      fc.property(somePolicy, someForge, someRelease, (server, forge, release) => {
        const policy = tightenPolicy(server, forge)
        if (forge.approval.required === true) expect(policy.approval.required).toBe(true)
        if (forge.approval.selfApproval === false) expect(policy.approval.selfApproval).toBe(false)
        expect(policy.approval.approvals).toBeGreaterThanOrEqual(forge.approval.approvals ?? 1)
        expect(forge.approval.roles ?? roles).toEqual(
          expect.arrayContaining([...policy.approval.roles]),
        )
        if (forge.autoDeploy === false || forge.approval.required === true) {
          expect(mayDeployAutomatically(policy, release)).toBe(false)
        }
      }),
    )
  })

  it('is the server’s policy where the repository says nothing', () => {
    const silent: EnvironmentConfig = {
      name: 'production',
      approval: {
        required: null,
        approvals: null,
        roles: null,
        expiresMs: null,
        selfApproval: null,
      },
      branches: null,
      triggers: null,
      autoDeploy: null,
      logRetentionDays: null,
    }
    fc.assert(
      fc.property(somePolicy, (server) => {
        expect(tightenPolicy(server, null)).toEqual(server)
        expect(tightenPolicy(server, silent)).toEqual(server)
      }),
    )
  })
})

describe('mayDeployAutomatically', () => {
  const [dev, staging, production] = readEnvironments(undefined, (problem) => {
    throw new Error(problem)
  }) as [EnvironmentPolicy, EnvironmentPolicy, EnvironmentPolicy]
  const push = (branch: string | null) => ({ triggerType: 'branch_push' as const, branch })
  const tag = { triggerType: 'tag' as const, branch: 'refs/tags/v1' }

  it('takes what runs release to dev, and nothing anywhere else, by default', () => {
    for (const release of [push('main'), push('feature/x'), tag]) {
      expect(mayDeployAutomatically(dev, release)).toBe(true)
      expect(mayDeployAutomatically(staging, release)).toBe(false)
      expect(mayDeployAutomatically(production, release)).toBe(false)
    }
    expect(mayDeployAutomatically(dev, { triggerType: 'manual', branch: 'main' })).toBe(false)
  })

  it('goes by branch and trigger where the server turns it on', () => {
    const on = { ...staging, autoDeploy: true }
    const passes = ['main', 'release/1', 'release/1/x', 'mainly', null].map((branch) =>
      mayDeployAutomatically(on, push(branch)),
    )
    expect(passes).toEqual([true, true, false, false, false])
    expect(mayDeployAutomatically(on, tag)).toBe(false)
    const narrowed = { ...on, repositoryBranches: ['release/*'] }
    expect(mayDeployAutomatically(narrowed, push('main'))).toBe(false)
    expect(mayDeployAutomatically(narrowed, push('release/1'))).toBe(true)
    expect(mayDeployAutomatically({ ...on, branches: [] }, push('main'))).toBe(false)
  })

  it('never passes where an approval is needed', () => {
    fc.assert(
      fc.property(somePolicy, someRelease, (policy, release) => {
        const approved = { ...policy, approval: { ...policy.approval, required: true } }
        expect(mayDeployAutomatically(approved, release)).toBe(false)
      }),
    )
  })
})
