// API & Operations Reference, "Approval APIs": every field, parameter, status and error.
import { randomUUID } from 'node:crypto'
import {
  Approval,
  type ApprovalStatus,
  CreateApprovalResponse,
  type ListApprovalsQuery,
  ListApprovalsResponse,
} from '@slipway/contract/approvals'
import { ApprovalCreatedEvent, ApprovalRevokedEvent } from '@slipway/contract/events'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApprovalsApp } from '../support/approvals-app.ts'
import type { TestApp } from '../support/http.ts'
import { forgeEnvironment, storeRelease } from '../support/stored-release.ts'

let test: TestApp
beforeAll(async () => {
  test = await createApprovalsApp({ strict: { approval: { required: true, approvals: 2 } } })
})
afterAll(() => test.close())

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'

interface Asked {
  environment?: string
  justification?: string
  token?: string
}

async function approve(release_id: string, asked: Asked = {}) {
  const { environment = 'production', justification = 'string', token } = asked
  const body = { release_id, environment, justification }
  return test.request('POST', '/v1/approvals', {
    body,
    ...(token === undefined ? {} : { token }),
  })
}
async function approved(release: string, asked: Asked = {}): Promise<CreateApprovalResponse> {
  const answer = await approve(release, asked)
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json()
}
async function shown(release: string, environment = 'production'): Promise<Approval> {
  const answer = await test.request('GET', `/v1/approvals/${release}/${environment}`)
  expect(answer.statusCode, answer.body).toBe(200)
  expect(Value.Check(Approval, answer.json())).toBe(true)
  return answer.json()
}
async function revoke(id: string, token?: string) {
  return test.request('DELETE', `/v1/approvals/${id}`, token === undefined ? {} : { token })
}
async function expire(id: string): Promise<void> {
  await test.database.pool.query(
    `update approvals set approved_at = approved_at - interval '25 hours',
       expires_at = now() - interval '1 second' where id = $1`,
    [id],
  )
}
async function eventsOf(releaseId: string) {
  const { rows } = await test.database.pool.query<{
    event_type: string
    repository: string
    occurred_at: Date
    data: unknown
  }>(
    `select event_type, repository, occurred_at, data from events
     where data->>'release_id' = $1 order by id`,
    [releaseId],
  )
  return rows
}

describe('POST /v1/approvals', () => {
  it('answers the document’s example with 201 and exactly its fields', async () => {
    const { id } = await storeRelease(test.database)
    const answer = await approve(id)
    expect(answer.statusCode).toBe(201)
    expect(answer.headers['location']).toBe(`/v1/approvals/${id}/production`)
    const body = answer.json<CreateApprovalResponse>()
    expect(body).toEqual({
      approval_id: expect.stringMatching(uuid),
      approver: 'admin',
      approved_at: expect.stringMatching(iso),
      expires_at: expect.stringMatching(iso),
      status: 'active',
    })
    expect(Value.Check(CreateApprovalResponse, body)).toBe(true)
    expect(Date.parse(body.expires_at) - Date.parse(body.approved_at)).toBe(24 * 3_600_000)
  })

  it('emits approval.created with it', async () => {
    const release = await storeRelease(test.database)
    const body = await approved(release.id)
    const [event, ...more] = await eventsOf(release.id)
    expect(more).toEqual([])
    expect(event).toMatchObject({ event_type: 'approval.created', repository: release.repository })
    expect(event?.data).toEqual({
      approval_id: body.approval_id,
      release_id: release.id,
      repository: release.repository,
      project: release.project,
      environment: 'production',
      approver: 'admin',
      expires_at: body.expires_at,
    })
    expect(Value.Check(ApprovalCreatedEvent.properties.data, event?.data)).toBe(true)
  })

  it('does not know a release that is not there, or is hidden', async () => {
    const { id } = await storeRelease(test.database, { repository: 'acme/hidden' })
    const token = await test.tokenFor(['approver'], { repositories: ['acme/other'] })
    for (const [release, asked] of [
      [unknown, {}],
      [id, { token }],
    ] as const) {
      const answer = await approve(release, asked)
      expect(answer.statusCode).toBe(404)
      expect(answer.json().error).toEqual({
        code: 'resource_not_found',
        message: `There is no release ${release}`,
      })
    }
  })

  it('names the environments there are when it is asked for another', async () => {
    const { id } = await storeRelease(test.database)
    const answer = await approve(id, { environment: 'prod' })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toEqual({
      code: 'invalid_request',
      message: 'There is no environment prod; there are dev, staging, production, strict',
      details: {
        environment: 'prod',
        environments: ['dev', 'staging', 'production', 'strict'],
      },
    })
  })

  it('takes approvers, operators and administrators, and says so to developers', async () => {
    const { id } = await storeRelease(test.database)
    for (const role of ['approver', 'operator', 'admin']) {
      await approved(id, { token: await test.tokenFor([role]) })
    }
    const answer = await approve(id, { token: await test.tokenFor(['developer']) })
    expect(answer.statusCode).toBe(403)
    expect(answer.json().error).toEqual({
      code: 'authorization_failed',
      message: 'To approve for production, it takes the role approver or operator or admin',
      details: {
        environment: 'production',
        reason: 'role_not_allowed',
        roles: ['approver', 'operator', 'admin'],
      },
    })
    for (const role of ['viewer', 'service-account']) {
      const refused = await approve(id, { token: await test.tokenFor([role]) })
      expect(refused.statusCode).toBe(403)
      expect(refused.json().error.details).toEqual({ permission: 'approvals:create' })
    }
  })

  it('goes by what the release’s commit tightens: roles and time', async () => {
    const approval = { roles: ['admin'], expiresMs: 3_600_000 }
    const { id } = await storeRelease(test.database, {
      environments: [forgeEnvironment('production', { approval })],
    })
    const refused = await approve(id, { token: await test.tokenFor(['approver']) })
    expect(refused.statusCode).toBe(403)
    expect(refused.json().error.details.roles).toEqual(['admin'])
    const body = await approved(id)
    expect(Date.parse(body.expires_at) - Date.parse(body.approved_at)).toBe(3_600_000)
  })

  it('says that nobody can where a commit leaves no role', async () => {
    const { id } = await storeRelease(test.database, {
      environments: [forgeEnvironment('production', { approval: { roles: ['developer'] } })],
    })
    const refused = await approve(id)
    expect(refused.statusCode).toBe(403)
    expect(refused.json().error.message).toBe('To approve for production, nobody may')
  })

  it('records an approval where none is needed', async () => {
    const { id } = await storeRelease(test.database)
    await approved(id, { environment: 'dev' })
    expect(await shown(id, 'dev')).toMatchObject({ status: 'active', required: 0, given: 1 })
  })

  it('refuses a person’s second one while the first is active, with its id', async () => {
    const { id } = await storeRelease(test.database)
    const first = await approved(id)
    const second = await approve(id)
    expect(second.statusCode).toBe(409)
    expect(second.json().error).toEqual({
      code: 'resource_conflict',
      message: 'You have approved this release for production already',
      details: { approval_id: first.approval_id, expires_at: first.expires_at },
    })
    expect(await eventsOf(id)).toHaveLength(1)
    // Elsewhere, of somebody else, and after the first has ended it is another matter.
    await approved(id, { environment: 'strict' })
    await approved(id, { token: await test.tokenFor(['approver']) })
    await expire(first.approval_id)
    const third = await approved(id)
    await revoke(third.approval_id)
    await approved(id)
  })

  it('lets exactly one of many at once pass', async () => {
    const { id } = await storeRelease(test.database)
    const answers = await Promise.all(Array.from({ length: 8 }, () => approve(id)))
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array<number>(7).fill(409),
    ])
  })

  it('names every problem of a wrong body', async () => {
    const body = { release_id: 42, environment: 'no/slash', justification: '', by: 'me' }
    const answer = await test.request('POST', '/v1/approvals', { body })
    expect(answer.statusCode).toBe(400)
    const { code, details } = answer.json().error
    expect(code).toBe('invalid_request')
    expect(details.problems.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      '/by',
      '/environment',
      '/justification',
      '/release_id',
    ])
    const empty = await test.request('POST', '/v1/approvals', { body: {} })
    expect(empty.json().error.details.problems).toHaveLength(3)
  })
})

describe('GET /v1/approvals/{release-id}/{environment}', () => {
  it('answers with the document’s fields, and what the policy asks for', async () => {
    const { id } = await storeRelease(test.database)
    const created = await approved(id, { justification: 'Tested in staging.' })
    expect(await shown(id)).toEqual({
      ...created,
      justification: 'Tested in staging.',
      release_id: id,
      environment: 'production',
      required: 1,
      given: 1,
    })
  })

  it('is 404 where there is none: no approval, no release, no environment, or hidden', async () => {
    const { id } = await storeRelease(test.database)
    await approved(id)
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/other'] })
    for (const [path, options] of [
      [`${id}/staging`, {}],
      [`${id}/nowhere`, {}],
      [`${unknown}/production`, {}],
      [`${id}/production`, { token }],
    ] as const) {
      const answer = await test.request('GET', `/v1/approvals/${path}`, options)
      expect(answer.statusCode, path).toBe(404)
      expect(answer.json().error.code).toBe('resource_not_found')
    }
  })

  it('shows each status: active, expired, revoked', async () => {
    const { id } = await storeRelease(test.database)
    const first = await approved(id)
    expect((await shown(id)).status).toBe('active')
    await expire(first.approval_id)
    expect(await shown(id)).toMatchObject({
      approval_id: first.approval_id,
      status: 'expired',
      given: 0,
    })
    const second = await approved(id)
    await revoke(second.approval_id)
    expect(await shown(id)).toMatchObject({
      approval_id: second.approval_id,
      status: 'revoked',
      given: 0,
    })
  })

  it('shows the newest active one before what ended later, and counts people', async () => {
    const { id } = await storeRelease(test.database)
    const asked = { environment: 'strict' }
    const first = await approved(id, asked)
    const token = await test.tokenFor(['approver'])
    const second = await approved(id, { ...asked, token })
    expect(await shown(id, 'strict')).toMatchObject({
      approval_id: second.approval_id,
      required: 2,
      given: 2,
    })
    await revoke(second.approval_id)
    expect(await shown(id, 'strict')).toMatchObject({
      approval_id: first.approval_id,
      status: 'active',
      given: 1,
    })
  })

  it('refuses what is no id', async () => {
    const answer = await test.request('GET', '/v1/approvals/42/production')
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.details.problems).toMatchObject([{ path: '/release_id' }])
  })
})

describe('DELETE /v1/approvals/{id}', () => {
  it('revokes with 204, once more likewise, and emits approval.revoked once', async () => {
    const release = await storeRelease(test.database)
    const { approval_id } = await approved(release.id)
    for (let times = 0; times < 2; times += 1) {
      const answer = await revoke(approval_id)
      expect([answer.statusCode, answer.body]).toEqual([204, ''])
    }
    const [, event, ...more] = await eventsOf(release.id)
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
    const first = await approved(id, { token: mine })
    const second = await approved(id, { token: theirs })
    const refused = await revoke(second.approval_id, mine)
    expect(refused.statusCode).toBe(403)
    expect(refused.json().error).toMatchObject({
      code: 'authorization_failed',
      details: { reason: 'not_yours' },
    })
    expect((await revoke(first.approval_id, mine)).statusCode).toBe(204)
    expect((await revoke(second.approval_id, operator)).statusCode).toBe(204)
  })

  it('is 409 for an expired one, which stays expired', async () => {
    const { id } = await storeRelease(test.database)
    const { approval_id } = await approved(id)
    await expire(approval_id)
    const answer = await revoke(approval_id)
    expect(answer.statusCode).toBe(409)
    expect(answer.json().error).toMatchObject({
      code: 'resource_conflict',
      details: { status: 'expired' },
    })
    expect((await shown(id)).status).toBe('expired')
  })

  it('does not know one that is not there, or is hidden', async () => {
    const { id } = await storeRelease(test.database)
    const { approval_id } = await approved(id)
    const token = await test.tokenFor(['admin'], { repositories: ['acme/other'] })
    for (const answer of [await revoke(unknown), await revoke(approval_id, token)]) {
      expect(answer.statusCode).toBe(404)
      expect(answer.json().error.code).toBe('resource_not_found')
    }
    expect((await shown(id)).status).toBe('active')
    expect((await revoke('42')).statusCode).toBe(400)
  })
})

describe('GET /v1/approvals', () => {
  async function list(query: ListApprovalsQuery, token?: string): Promise<ListApprovalsResponse> {
    const words = Object.entries(query).map(([key, value]) => [key, String(value)])
    const path = `/v1/approvals?${new URLSearchParams(words).toString()}`
    const answer = await test.request('GET', path, token === undefined ? {} : { token })
    expect(answer.statusCode, answer.body).toBe(200)
    expect(Value.Check(ListApprovalsResponse, answer.json())).toBe(true)
    return answer.json()
  }

  it('shows all there is to know of each, newest first', async () => {
    const release = await storeRelease(test.database)
    const first = await approved(release.id, { justification: 'one' })
    await revoke(first.approval_id)
    const second = await approved(release.id, { environment: 'strict', justification: 'two' })
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
    const expired = await approved(release_id)
    await expire(expired.approval_id)
    const revoked = await approved(release_id)
    await revoke(revoked.approval_id)
    const active = await approved(release_id)
    const elsewhere = await approved(release_id, { environment: 'dev' })
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
      await approved(release_id, { environment })
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
    const { approval_id } = await approved(id)
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
