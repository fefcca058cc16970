// API & Operations Reference, "Approval APIs": every field, parameter, status and error.
import { CreateApprovalResponse } from '@slipway/contract/approvals'
import { ApprovalCreatedEvent } from '@slipway/contract/events'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalsApp, createApprovalsApp } from '../support/approvals-app.ts'
import { forgeEnvironment, storeRelease } from '../support/stored-release.ts'

let test: ApprovalsApp
beforeAll(async () => {
  test = await createApprovalsApp({ strict: { approval: { required: true, approvals: 2 } } })
})
afterAll(() => test.close())

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'

describe('POST /v1/approvals', () => {
  it('answers the document’s example with 201 and exactly its fields', async () => {
    const { id } = await storeRelease(test.database)
    const answer = await test.approve(id)
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
    const body = await test.approved(release.id)
    const [event, ...more] = await test.eventsOf(release.id)
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
      const answer = await test.approve(release, asked)
      expect(answer.statusCode).toBe(404)
      expect(answer.json().error).toEqual({
        code: 'resource_not_found',
        message: `There is no release ${release}`,
      })
    }
  })

  it('names the environments there are when it is asked for another', async () => {
    const { id } = await storeRelease(test.database)
    const answer = await test.approve(id, { environment: 'prod' })
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
      await test.approved(id, { token: await test.tokenFor([role]) })
    }
    const answer = await test.approve(id, { token: await test.tokenFor(['developer']) })
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
      const refused = await test.approve(id, { token: await test.tokenFor([role]) })
      expect(refused.statusCode).toBe(403)
      expect(refused.json().error.details).toEqual({ permission: 'approvals:create' })
    }
  })

  it('goes by what the release’s commit tightens: roles and time', async () => {
    const approval = { roles: ['admin'], expiresMs: 3_600_000 }
    const { id } = await storeRelease(test.database, {
      environments: [forgeEnvironment('production', { approval })],
    })
    const refused = await test.approve(id, { token: await test.tokenFor(['approver']) })
    expect(refused.statusCode).toBe(403)
    expect(refused.json().error.details.roles).toEqual(['admin'])
    const body = await test.approved(id)
    expect(Date.parse(body.expires_at) - Date.parse(body.approved_at)).toBe(3_600_000)
  })

  it('says that nobody can where a commit leaves no role', async () => {
    const { id } = await storeRelease(test.database, {
      environments: [forgeEnvironment('production', { approval: { roles: ['developer'] } })],
    })
    const refused = await test.approve(id)
    expect(refused.statusCode).toBe(403)
    expect(refused.json().error.message).toBe('To approve for production, nobody may')
  })

  it('records an approval where none is needed', async () => {
    const { id } = await storeRelease(test.database)
    await test.approved(id, { environment: 'dev' })
    expect(await test.shown(id, 'dev')).toMatchObject({ status: 'active', required: 0, given: 1 })
  })

  it('refuses a person’s second one while the first is active, with its id', async () => {
    const { id } = await storeRelease(test.database)
    const first = await test.approved(id)
    const second = await test.approve(id)
    expect(second.statusCode).toBe(409)
    expect(second.json().error).toEqual({
      code: 'resource_conflict',
      message: 'You have approved this release for production already',
      details: { approval_id: first.approval_id, expires_at: first.expires_at },
    })
    expect(await test.eventsOf(id)).toHaveLength(1)
    // Elsewhere, of somebody else, and after the first has ended it is another matter.
    await test.approved(id, { environment: 'strict' })
    await test.approved(id, { token: await test.tokenFor(['approver']) })
    await test.expire(first.approval_id)
    const third = await test.approved(id)
    await test.revoke(third.approval_id)
    await test.approved(id)
  })

  it('lets exactly one of many at once pass', async () => {
    const { id } = await storeRelease(test.database)
    const answers = await Promise.all(Array.from({ length: 8 }, () => test.approve(id)))
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
    const created = await test.approved(id, { justification: 'Tested in staging.' })
    expect(await test.shown(id)).toEqual({
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
    await test.approved(id)
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
    const first = await test.approved(id)
    expect((await test.shown(id)).status).toBe('active')
    await test.expire(first.approval_id)
    expect(await test.shown(id)).toMatchObject({
      approval_id: first.approval_id,
      status: 'expired',
      given: 0,
    })
    const second = await test.approved(id)
    await test.revoke(second.approval_id)
    expect(await test.shown(id)).toMatchObject({
      approval_id: second.approval_id,
      status: 'revoked',
      given: 0,
    })
  })

  it('shows the newest active one before what ended later, and counts people', async () => {
    const { id } = await storeRelease(test.database)
    const asked = { environment: 'strict' }
    const first = await test.approved(id, asked)
    const token = await test.tokenFor(['approver'])
    const second = await test.approved(id, { ...asked, token })
    expect(await test.shown(id, 'strict')).toMatchObject({
      approval_id: second.approval_id,
      required: 2,
      given: 2,
    })
    await test.revoke(second.approval_id)
    expect(await test.shown(id, 'strict')).toMatchObject({
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
