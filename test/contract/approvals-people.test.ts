import { randomUUID } from 'node:crypto'
import type { Approval } from '@slipway/contract/approvals'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkApprovals } from '../../packages/server/src/approvals/index.ts'
import { approvalsDeps } from '../support/approvals-app.ts'
import { ada } from '../support/oidc-issuer.ts'
import { type SignInApp, startSignInApp } from '../support/sign-in-app.ts'
import { storeRelease } from '../support/stored-release.ts'

// Whom approvals are counted by, where an issuer says who people are.

const environments = {
  production: {
    approval: {
      required: true,
      approvals: 2,
      roles: ['approver', 'operator'],
      selfApproval: false,
    },
  },
}
const approver = { realm_access: { roles: ['approver', 'developer'] } }

let test: SignInApp
beforeAll(async () => {
  test = await startSignInApp({
    rooms: (db) => {
      const approvals = approvalsDeps(db, environments)
      return { approvals, environments: approvals.environments }
    },
  })
  test.issuer.account = { ...ada, claims: { ...ada.claims, ...approver } }
})
afterAll(() => test.close())

const approve = (release_id: string, token: string) =>
  test.request('POST', '/v1/approvals', {
    token,
    body: { release_id, environment: 'production', justification: 'string' },
  })
const given = async (release_id: string) =>
  (await test.request('GET', `/v1/approvals/${release_id}/production`)).json<Approval>()

it('a person of the issuer is one, with whatever tokens and sessions', async () => {
  const { id } = await storeRelease(test.database)
  expect((await approve(id, await test.issuer.sign(approver))).statusCode).toBe(201)
  expect((await approve(id, await test.issuer.sign(approver))).statusCode).toBe(409)
  for (let n = 0; n < 2; n++) {
    const { browser } = await test.signIn()
    const body = { release_id: id, environment: 'production', justification: 'string' }
    const answer = await test.page(browser, 'POST', '/v1/approvals', { body })
    expect(answer.status).toBe(409)
  }
  expect(await given(id)).toMatchObject({ given: 1, required: 2 })
  const other = await test.issuer.sign({ ...approver, sub: randomUUID(), email: 'b@example.com' })
  expect((await approve(id, other)).statusCode).toBe(201)
  expect(await given(id)).toMatchObject({ given: 2 })
})

it('a person may take back with a session what they gave with a token', async () => {
  const { id } = await storeRelease(test.database)
  const answer = await approve(id, await test.issuer.sign(approver))
  const { approval_id } = answer.json<{ approval_id: string }>()
  const { browser } = await test.signIn()
  const revoked = await test.page(browser, 'DELETE', `/v1/approvals/${approval_id}`)
  expect(revoked.status).toBe(204)
})

it('a person’s own approval is their own, whatever they deploy with', async () => {
  const { id } = await storeRelease(test.database)
  const answer = await approve(id, await test.issuer.sign(approver))
  const { approval_id } = answer.json<{ approval_id: string }>()
  const deps = approvalsDeps(test.database.db, environments)
  const check = (deployerId: string) =>
    test.database.db.transaction().execute((trx) =>
      checkApprovals(trx, {
        release: { id },
        policy: deps.environments.policyFor('production', []),
        approvalId: approval_id,
        deployer: {
          id: deployerId,
          name: 'x',
          roles: ['developer'],
          repositories: null,
          session: 's',
        },
      }),
    )
  await expect(check(`${test.issuer.issuer}|${ada.sub}`)).rejects.toMatchObject({
    details: { reason: 'self_approval' },
  })
  await expect(check('somebody else')).rejects.toMatchObject({ details: { reason: 'too_few' } })
})

it('all tokens that the jobs of one repository got are one', async () => {
  const { id } = await storeRelease(test.database)
  const statuses: number[] = []
  for (let n = 0; n < 2; n++) {
    const { token, id: tokenId } = (
      await test.request('POST', '/v1/tokens', { body: { name: `ci ${n}`, roles: ['operator'] } })
    ).json<{ token: string; id: string }>()
    await test.database.pool.query(
      `update tokens set exchanged_for = 'ci|acme/shop' where id = $1`,
      [tokenId],
    )
    statuses.push((await approve(id, token)).statusCode)
  }
  expect(statuses).toEqual([201, 409])
})
