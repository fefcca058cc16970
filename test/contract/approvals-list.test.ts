// All approvals, whoever gave them: filters, pages, and what a limited token sees.
import { randomUUID } from 'node:crypto'
import {
  type ApprovalStatus,
  type ListApprovalsQuery,
  ListApprovalsResponse,
} from '@slipway/contract/approvals'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalsApp, createApprovalsApp } from '../support/approvals-app.ts'
import { storeRelease } from '../support/stored-release.ts'

let test: ApprovalsApp
beforeAll(async () => {
  test = await createApprovalsApp({ strict: { approval: { required: true, approvals: 2 } } })
})
afterAll(() => test.close())

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'

describe('GET /v1/approvals', () => {
  async function list(query: ListApprovalsQuery, token?: string): Promise<ListApprovalsResponse> {
    const words = Object.entries(query).map(([key, value]): [string, string] => [
      key,
      String(value),
    ])
    const path = `/v1/approvals?${new URLSearchParams(words).toString()}`
    const answer = await test.request('GET', path, token === undefined ? {} : { token })
    expect(answer.statusCode, answer.body).toBe(200)
    expect(Value.Check(ListApprovalsResponse, answer.json())).toBe(true)
    return answer.json()
  }

  it('shows all there is to know of each, newest first', async () => {
    const release = await storeRelease(test.database)
    const first = await test.approved(release.id, { justification: 'one' })
    await test.revoke(first.approval_id)
    const second = await test.approved(release.id, { environment: 'strict', justification: 'two' })
    const { approvals, ...page } = await list({ release_id: release.id })
    expect(page).toEqual({ limit: 20, offset: 0, has_more: false })
    const common = {
      release_id: release.id,
      repository: release.repository,
      project: release.project,
      release_number: 1,
    }
    expect(approvals).toEqual([
      {
        ...second,
        ...common,
        environment: 'strict',
        justification: 'two',
        revoked_at: null,
        revoked_by: null,
      },
      {
        ...first,
        ...common,
        environment: 'production',
        justification: 'one',
        status: 'revoked',
        revoked_at: expect.stringMatching(iso),
        revoked_by: 'admin',
      },
    ])
  })

  it('filters by release, environment and status', async () => {
    const { id: release_id } = await storeRelease(test.database)
    const expired = await test.approved(release_id)
    await test.expire(expired.approval_id)
    const revoked = await test.approved(release_id)
    await test.revoke(revoked.approval_id)
    const active = await test.approved(release_id)
    const elsewhere = await test.approved(release_id, { environment: 'dev' })
    const ids = async (query: ListApprovalsQuery) =>
      (await list({ release_id, ...query })).approvals.map(({ approval_id }) => approval_id)
    const byStatus: Record<ApprovalStatus, string> = {
      expired: expired.approval_id,
      revoked: revoked.approval_id,
      active: active.approval_id,
    }
    for (const [status, id] of Object.entries(byStatus) as [ApprovalStatus, string][]) {
      expect(await ids({ status, environment: 'production' })).toEqual([id])
    }
    expect(await ids({ environment: 'dev' })).toEqual([elsewhere.approval_id])
    expect(await ids({ environment: 'nowhere' })).toEqual([])
    expect((await list({ release_id: unknown })).approvals).toEqual([])
  })

  it('pages, and says whether there is more', async () => {
    const { id: release_id } = await storeRelease(test.database)
    for (const environment of ['dev', 'staging', 'production']) {
      await test.approved(release_id, { environment })
    }
    const first = await list({ release_id, limit: 2 })
    const second = await list({ release_id, limit: 2, offset: 2 })
    expect(first).toMatchObject({ limit: 2, offset: 0, has_more: true })
    expect(second).toMatchObject({ limit: 2, offset: 2, has_more: false })
    expect([...first.approvals, ...second.approvals].map(({ environment }) => environment)).toEqual(
      ['production', 'staging', 'dev'],
    )
  })

  it('shows a limited token what it may see', async () => {
    const repository = `acme/${randomUUID()}`
    const { id } = await storeRelease(test.database, { repository })
    const { approval_id } = await test.approved(id)
    const token = await test.tokenFor(['viewer'], { repositories: [repository] })
    const { approvals } = await list({ limit: 100 }, token)
    expect(approvals.map((approval) => approval.approval_id)).toEqual([approval_id])
  })

  it.each(['limit=0', 'limit=101', 'offset=-1', 'status=new', 'release_id=x', 'by=me'])(
    'refuses the query %s',
    async (query) => {
      const answer = await test.request('GET', `/v1/approvals?${query}`)
      expect(answer.statusCode).toBe(400)
      expect(answer.json().error.code).toBe('invalid_request')
    },
  )
})
