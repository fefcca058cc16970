import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { approvalsDeps } from '../../../../test/support/approvals-app.ts'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { storeRelease } from '../../../../test/support/stored-release.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type ApprovalsDeps, checkApprovals, createApproval, revokeApproval } from './index.ts'

let database: TestDatabase
let deps: ApprovalsDeps
beforeAll(async () => {
  database = await createTestDatabase()
  deps = approvalsDeps(database.db, {
    strict: { approval: { required: true, approvals: 2, selfApproval: false } },
  })
})
afterAll(() => database.close())

const person = (name: string, over: Partial<Principal> = {}): Principal => ({
  id: randomUUID(),
  name,
  roles: ['approver'],
  repositories: null,
  ...over,
})
const ann = person('ann')
const bob = person('bob')
const cem = person('cem')

async function approve(releaseId: string, principal: Principal, environment = 'production') {
  const request = { release_id: releaseId, environment, justification: 'why' }
  return (await createApproval(deps, { principal, request })).approval_id
}

async function check(
  releaseId: string,
  input: { approvalId?: string; environment?: string; deployer?: Principal | null } = {},
): Promise<string[]> {
  const { approvalId, environment = 'production', deployer = ann } = input
  return database.db.transaction().execute((trx) =>
    checkApprovals(trx, {
      release: { id: releaseId },
      policy: deps.environments.require(environment),
      approvalId,
      deployer,
    }),
  )
}

async function refusal(checking: Promise<string[]>) {
  const error = await checking.then(
    () => new Error('it was allowed'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof AppError)) throw error
  return { code: error.code, message: error.message, ...error.details }
}

const forbidden = (reason: string, approval_id: string, environment = 'production') => ({
  code: 'authorization_failed',
  reason,
  approval_id,
  environment,
})

describe('checkApprovals', () => {
  it('lets pass what is approved, and says by which', async () => {
    const { id } = await storeRelease(database)
    const approvalId = await approve(id, ann)
    await approve(id, bob)
    expect(await check(id, { approvalId })).toEqual([approvalId])
  })

  it('asks for an approval where one is needed, and for none elsewhere', async () => {
    const { id } = await storeRelease(database)
    expect(await refusal(check(id))).toEqual({
      code: 'invalid_request',
      message: 'Deploying to production needs an approval: say which in approval_id',
      environment: 'production',
      reason: 'missing',
      required: 1,
      roles: ['approver', 'operator', 'admin'],
      problems: [{ path: '/approval_id', message: 'is missing' }],
    })
    expect(await refusal(check(id, { deployer: null }))).toMatchObject({ reason: 'missing' })
    expect(await check(id, { environment: 'dev' })).toEqual([])
  })

  it('does not know an approval that is not there, or is of something hidden', async () => {
    const { id } = await storeRelease(database)
    const hidden = await storeRelease(database, { repository: 'acme/hidden' })
    const foreign = await approve(hidden.id, bob)
    const deployer = person('limited', { repositories: ['mycompany/myrepo'] })
    for (const approvalId of [randomUUID(), foreign]) {
      for (const environment of ['production', 'dev']) {
        expect(await refusal(check(id, { approvalId, environment, deployer }))).toEqual({
          code: 'resource_not_found',
          message: `There is no approval ${approvalId}`,
        })
      }
    }
  })

  it('refuses one for another release or environment, each with its reason', async () => {
    const { id } = await storeRelease(database)
    const other = await storeRelease(database)
    const ofOther = await approve(other.id, ann)
    const elsewhere = await approve(id, ann, 'staging')
    for (const environment of ['production', 'dev']) {
      expect(await refusal(check(id, { approvalId: ofOther, environment }))).toEqual({
        ...forbidden('other_release', ofOther, environment),
        message: 'This approval is for another release',
      })
      expect(await refusal(check(id, { approvalId: elsewhere, environment }))).toEqual({
        ...forbidden('other_environment', elsewhere, environment),
        message: `This approval is for another environment than ${environment}`,
      })
    }
  })

  it('refuses an expired and a revoked one, also where none is needed', async () => {
    for (const environment of ['production', 'dev']) {
      const { id } = await storeRelease(database)
      const revoked = await approve(id, ann, environment)
      await revokeApproval(deps, { principal: ann, id: revoked })
      const expired = await approve(id, ann, environment)
      await database.pool.query('update approvals set expires_at = now() where id = $1', [expired])
      expect(await refusal(check(id, { approvalId: revoked, environment }))).toEqual({
        ...forbidden('revoked', revoked, environment),
        message: 'This approval has been revoked',
      })
      expect(await refusal(check(id, { approvalId: expired, environment }))).toEqual({
        ...forbidden('expired', expired, environment),
        message: 'This approval has expired',
      })
    }
  })

  it('wants as many different people as the policy says, and says how many are missing', async () => {
    const { id } = await storeRelease(database)
    const first = await approve(id, bob, 'strict')
    const asked = { approvalId: first, environment: 'strict' }
    expect(await refusal(check(id, asked))).toEqual({
      ...forbidden('too_few', first, 'strict'),
      message: 'strict needs the approval of 2 different people, and 1 is missing',
      required: 2,
      given: 1,
      missing: 1,
    })
    await approve(id, ann, 'strict')
    expect(await refusal(check(id, asked))).toMatchObject({
      message:
        'strict needs the approval of 2 different people, and 1 is missing; your own does not count',
    })
    const third = await approve(id, cem, 'strict')
    expect(await check(id, asked)).toEqual([first, third])
    expect(await check(id, { ...asked, approvalId: third })).toEqual([third, first])
  })

  it('does not count the deployer’s own where the policy says so', async () => {
    const { id } = await storeRelease(database)
    const own = await approve(id, ann, 'strict')
    await approve(id, bob, 'strict')
    await approve(id, cem, 'strict')
    expect(await refusal(check(id, { approvalId: own, environment: 'strict' }))).toEqual({
      ...forbidden('self_approval', own, 'strict'),
      message: 'Whoever deploys to strict may not have approved it themselves',
    })
  })

  it('refuses one of somebody whose role no longer counts', async () => {
    const { id } = await storeRelease(database)
    const approvalId = await approve(id, ann)
    await database.pool.query(`update approvals set roles = '{developer}' where id = $1`, [
      approvalId,
    ])
    expect(await refusal(check(id, { approvalId }))).toMatchObject({
      ...forbidden('role_not_allowed', approvalId),
      roles: ['approver', 'operator', 'admin'],
    })
  })
})

describe('a revocation at the same moment', () => {
  const waitsForLock = async () => {
    const { rows } = await database.pool.query<{ waiting: boolean }>(
      `select exists (select from pg_stat_activity where datname = current_database()
         and wait_event_type = 'Lock') as waiting`,
    )
    return rows[0]?.waiting
  }

  it('comes after a deployment that has counted the approval', async () => {
    const { id } = await storeRelease(database)
    const approvalId = await approve(id, ann)
    const trx = await database.db.startTransaction().execute()
    const policy = deps.environments.require('production')
    await checkApprovals(trx, { release: { id }, policy, approvalId, deployer: ann })
    let isRevoked = false
    const revoking = revokeApproval(deps, { principal: ann, id: approvalId }).then(() => {
      isRevoked = true
    })
    await expect.poll(waitsForLock).toBe(true)
    expect(isRevoked).toBe(false)
    await trx.commit().execute()
    await revoking
    expect(await refusal(check(id, { approvalId }))).toMatchObject({ reason: 'revoked' })
  })

  it('comes before one that has not, which then sees it', async () => {
    const { id } = await storeRelease(database)
    const named = await approve(id, bob, 'strict')
    const other = await approve(id, cem, 'strict')
    const trx = await database.db.startTransaction().execute()
    await trx
      .updateTable('approvals')
      .set({ revoked_at: new Date(), revoked_by: 'x' })
      .where('id', '=', other)
      .execute()
    const checking = refusal(check(id, { approvalId: named, environment: 'strict' }))
    await expect.poll(waitsForLock).toBe(true)
    await trx.commit().execute()
    expect(await checking).toMatchObject({ reason: 'too_few', missing: 1 })
  })
})
