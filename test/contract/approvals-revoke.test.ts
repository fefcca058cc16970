// Revoking approvals: whose, when, and what is told of it.
import { ApprovalRevokedEvent } from '@slipway/contract/events'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalsApp, createApprovalsApp } from '../support/approvals-app.ts'
import { storeRelease } from '../support/stored-release.ts'

let test: ApprovalsApp
beforeAll(async () => {
  test = await createApprovalsApp({ strict: { approval: { required: true, approvals: 2 } } })
})
afterAll(() => test.close())

const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'

describe('DELETE /v1/approvals/{id}', () => {
  it('revokes with 204, once more likewise, and emits approval.revoked once', async () => {
    const release = await storeRelease(test.database)
    const { approval_id } = await test.approved(release.id)
    for (let times = 0; times < 2; times += 1) {
      const answer = await test.revoke(approval_id)
      expect([answer.statusCode, answer.body]).toEqual([204, ''])
    }
    const [, event, ...more] = await test.eventsOf(release.id)
    expect(more).toEqual([])
    expect(event).toMatchObject({ event_type: 'approval.revoked', repository: release.repository })
    expect(event?.data).toEqual({
      approval_id,
      release_id: release.id,
      repository: release.repository,
      project: release.project,
      environment: 'production',
      revoked_by: 'admin',
    })
    expect(Value.Check(ApprovalRevokedEvent.properties.data, event?.data)).toBe(true)
  })

  it('is for one’s own, and for operators and administrators', async () => {
    const { id } = await storeRelease(test.database)
    const mine = await test.tokenFor(['approver'])
    const theirs = await test.tokenFor(['approver'])
    const operator = await test.tokenFor(['operator'])
    const first = await test.approved(id, { token: mine })
    const second = await test.approved(id, { token: theirs })
    const refused = await test.revoke(second.approval_id, mine)
    expect(refused.statusCode).toBe(403)
    expect(refused.json().error).toMatchObject({
      code: 'authorization_failed',
      details: { reason: 'not_yours' },
    })
    expect((await test.revoke(first.approval_id, mine)).statusCode).toBe(204)
    expect((await test.revoke(second.approval_id, operator)).statusCode).toBe(204)
  })

  it('is 409 for an expired one, which stays expired', async () => {
    const { id } = await storeRelease(test.database)
    const { approval_id } = await test.approved(id)
    await test.expire(approval_id)
    const answer = await test.revoke(approval_id)
    expect(answer.statusCode).toBe(409)
    expect(answer.json().error).toMatchObject({
      code: 'resource_conflict',
      details: { status: 'expired' },
    })
    expect((await test.shown(id)).status).toBe('expired')
  })

  it('does not know one that is not there, or is hidden', async () => {
    const { id } = await storeRelease(test.database)
    const { approval_id } = await test.approved(id)
    const token = await test.tokenFor(['admin'], { repositories: ['acme/other'] })
    for (const answer of [await test.revoke(unknown), await test.revoke(approval_id, token)]) {
      expect(answer.statusCode).toBe(404)
      expect(answer.json().error.code).toBe('resource_not_found')
    }
    expect((await test.shown(id)).status).toBe('active')
    expect((await test.revoke('42')).statusCode).toBe(400)
  })
})
