import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EnvironmentPolicy, readEnvironments } from '../config/environments.ts'
import {
  countApprovers,
  type GivenApproval,
  type Judgement,
  judgeApprovals,
  stateOf,
} from './judge-approvals.ts'

const production = readEnvironments(undefined, () => {}).find(
  ({ name }) => name === 'production',
) as EnvironmentPolicy
const now = new Date('2026-01-01T12:00:00Z')
const people = ['ann', 'bob', 'cem', 'dee'] as const

const policyWith = (approval: Partial<EnvironmentPolicy['approval']>): EnvironmentPolicy => ({
  ...production,
  approval: { ...production.approval, ...approval },
})
const approvalOf = (id: string, over: Partial<GivenApproval> = {}): GivenApproval => ({
  id,
  releaseId: 'r',
  environment: 'production',
  approverId: id,
  roles: ['approver'],
  expiresAt: new Date(now.getTime() + 1),
  revokedAt: null,
  ...over,
})
const judge = (over: Partial<Judgement>) =>
  judgeApprovals({
    policy: production,
    releaseId: 'r',
    named: undefined,
    given: [],
    deployerId: 'deployer',
    now,
    ...over,
  })

const someApproval = fc
  .record({
    approverId: fc.constantFrom(...people),
    environment: fc.constantFrom('production', 'production', 'production', 'staging'),
    releaseId: fc.constantFrom('r', 'r', 'r', 'other'),
    roles: fc.subarray(['viewer', 'developer', 'approver', 'admin'] as const),
    expiresAt: fc
      .integer({ min: -2, max: 4 })
      .map((seconds) => new Date(now.getTime() + seconds * 1000)),
    revokedAt: fc.constantFrom(null, null, null, new Date(now.getTime() - 1)),
  })
  .map((approval): Omit<GivenApproval, 'id'> => approval)
const someApprovals = fc
  .array(someApproval, { minLength: 1, maxLength: 8 })
  .map((all) => all.map((approval, index): GivenApproval => ({ ...approval, id: String(index) })))
const somePolicy = fc
  .record({
    required: fc.boolean(),
    approvals: fc.integer({ min: 1, max: 4 }),
    roles: fc.subarray(['developer', 'approver', 'admin'] as const),
    selfApproval: fc.boolean(),
  })
  .map(policyWith)

describe('judgeApprovals', () => {
  it('allows only what enough different people hold, whoever deploys', () => {
    fc.assert(
      fc.property(
        somePolicy,
        someApprovals,
        fc.constantFrom(...people, null),
        (policy, given, deployerId) => {
          const [named] = given
          const verdict = judge({ policy, named: named!, given, deployerId })
          if (!verdict.allowed) return
          const counted = verdict.approvalIds.map((id) => given.find((one) => one.id === id)!)
          expect(counted[0]).toBe(named)
          for (const approval of counted) {
            expect(approval).toMatchObject({ releaseId: 'r', environment: 'production' })
            expect(stateOf(approval, now)).toBe('active')
          }
          if (!policy.approval.required) return
          const { approvals, roles, selfApproval } = policy.approval
          const approvers = counted.map(({ approverId }) => approverId)
          expect(new Set(approvers).size).toBe(approvals)
          expect(counted).toHaveLength(approvals)
          if (!selfApproval) expect(approvers).not.toContain(deployerId)
          for (const approval of counted) {
            expect(roles.some((role) => approval.roles.includes(role))).toBe(true)
          }
        },
      ),
    )
  })

  it('lets every id that was counted serve as the one named', () => {
    fc.assert(
      fc.property(somePolicy, someApprovals, (policy, given) => {
        const verdict = judge({ policy, named: given[0]!, given })
        if (!verdict.allowed) return
        for (const id of verdict.approvalIds) {
          const named = given.find((one) => one.id === id)!
          expect(judge({ policy, named, given }).allowed).toBe(true)
        }
      }),
    )
  })

  it('refuses never more as people approve', () => {
    fc.assert(
      fc.property(somePolicy, someApprovals, someApproval, (policy, given, another) => {
        const named = given[0]!
        if (!judge({ policy, named, given }).allowed) return
        const more = [...given, { ...another, id: 'another' }]
        expect(judge({ policy, named, given: more }).allowed).toBe(true)
      }),
    )
  })

  it.each<[string, Partial<GivenApproval>]>([
    ['other_release', { releaseId: 'x' }],
    ['other_environment', { environment: 'staging' }],
    ['revoked', { revokedAt: now }],
    ['expired', { expiresAt: now }],
    ['role_not_allowed', { roles: ['developer'] }],
  ])('says %s', (reason, over) => {
    const named = approvalOf('ann', over)
    expect(judge({ named, given: [named, approvalOf('bob')] })).toEqual({ allowed: false, reason })
  })

  it('says what is missing', () => {
    expect(judge({})).toEqual({ allowed: false, reason: 'missing' })
    expect(judge({ named: null })).toEqual({ allowed: false, reason: 'unknown' })
    const policy = policyWith({ approvals: 3 })
    const named = approvalOf('ann')
    const again = approvalOf('again', { approverId: 'ann' })
    expect(judge({ policy, named, given: [named, again] })).toEqual({
      allowed: false,
      reason: 'too_few',
      given: 1,
      missing: 2,
      ownIgnored: false,
    })
  })

  it('does not count the deployer’s own where the policy says so, and says that', () => {
    const policy = policyWith({ approvals: 2, selfApproval: false })
    const own = approvalOf('ann')
    const other = approvalOf('bob')
    const given = [own, other]
    expect(judge({ policy, named: own, given, deployerId: 'ann' })).toEqual({
      allowed: false,
      reason: 'self_approval',
    })
    expect(judge({ policy, named: other, given, deployerId: 'ann' })).toMatchObject({
      reason: 'too_few',
      missing: 1,
      ownIgnored: true,
    })
    expect(judge({ policy, named: own, given, deployerId: 'cem' })).toEqual({
      allowed: true,
      approvalIds: ['ann', 'bob'],
    })
  })

  it('asks nothing where nothing is needed, but what is named must hold', () => {
    const policy = policyWith({ required: false, approvals: 3, roles: [], selfApproval: false })
    expect(judge({ policy })).toEqual({ allowed: true, approvalIds: [] })
    const named = approvalOf('ann')
    expect(judge({ policy, named, deployerId: 'ann' })).toEqual({
      allowed: true,
      approvalIds: ['ann'],
    })
    expect(judge({ policy, named: null }).allowed).toBe(false)
    const revoked = approvalOf('ann', { revokedAt: now })
    expect(judge({ policy, named: revoked })).toMatchObject({ reason: 'revoked' })
  })
})

describe('countApprovers', () => {
  it('is enough exactly when somebody else could deploy', () => {
    fc.assert(
      fc.property(somePolicy, someApprovals, (base, all) => {
        const policy = policyWith({ ...base.approval, required: true })
        const given = all.map((one) => ({ ...one, releaseId: 'r', environment: 'production' }))
        const isEnough = countApprovers(policy, given, now) >= policy.approval.approvals
        const works = given.some((named) => judge({ policy, named, given }).allowed)
        expect(works).toBe(isEnough)
      }),
    )
  })
})
