// Environments and their policies: the server's configuration, tightened by a release's commit.
import { type Environment, ListEnvironmentsResponse } from '@slipway/contract/environments'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApprovalsApp } from '../support/approvals-app.ts'
import type { TestApp } from '../support/http.ts'
import { forgeEnvironment, storeRelease } from '../support/stored-release.ts'

let test: TestApp
beforeAll(async () => {
  test = await createApprovalsApp({
    'eu-west': { approval: { required: true, roles: ['admin'], expires: '30d' } },
  })
})
afterAll(() => test.close())

async function list(path = '/v1/environments', token?: string): Promise<Environment[]> {
  const answer = await test.request('GET', path, token === undefined ? {} : { token })
  expect(answer.statusCode, answer.body).toBe(200)
  const body = answer.json<ListEnvironmentsResponse>()
  expect(Value.Check(ListEnvironmentsResponse, body)).toBe(true)
  return body.environments
}

describe('GET /v1/environments', () => {
  it('shows the defaults and what the configuration adds', async () => {
    const approval = {
      required: false,
      approvals: 1,
      roles: ['approver', 'operator', 'admin'],
      expires_seconds: 86_400,
      self_approval: true,
    }
    expect(await list()).toEqual([
      {
        name: 'dev',
        approval,
        branches: ['**'],
        triggers: ['branch', 'tag'],
        auto_deploy: true,
        log_retention_days: 7,
      },
      {
        name: 'staging',
        approval,
        branches: ['main', 'release/*'],
        triggers: ['branch'],
        auto_deploy: false,
        log_retention_days: 30,
      },
      {
        name: 'production',
        approval: { ...approval, required: true },
        branches: ['**'],
        triggers: ['tag', 'manual'],
        auto_deploy: false,
        log_retention_days: 90,
      },
      {
        name: 'eu-west',
        approval: { ...approval, required: true, roles: ['admin'], expires_seconds: 2_592_000 },
        branches: ['**'],
        triggers: ['branch', 'tag'],
        auto_deploy: false,
        log_retention_days: 30,
      },
    ])
  })

  it('shows what holds for a release: never less than the server asks for', async () => {
    const loose = { required: false, approvals: 1, roles: ['developer'], expiresMs: 8.64e8 }
    const { id } = await storeRelease(test.database, {
      environments: [
        forgeEnvironment('dev', { autoDeploy: false, branches: ['main'] }),
        forgeEnvironment('production', {
          approval: { ...loose, selfApproval: true },
          autoDeploy: true,
          logRetentionDays: 3650,
        }),
        forgeEnvironment('eu-west', { approval: { approvals: 2, selfApproval: false } }),
        forgeEnvironment('nowhere', { autoDeploy: true }),
      ],
    })
    const [dev, staging, production, euWest, ...more] = await list(
      `/v1/environments?release_id=${id}`,
    )
    const [, plainStaging, plainProduction] = await list()
    expect(more).toEqual([])
    expect(dev).toMatchObject({
      auto_deploy: false,
      branches: ['**'],
      repository_branches: ['main'],
    })
    expect(staging).toEqual(plainStaging)
    expect(production).toEqual({
      ...plainProduction,
      // The repository wants developers only, the server lets none of them.
      approval: { ...plainProduction!.approval, roles: [] },
    })
    expect(euWest?.approval).toMatchObject({ approvals: 2, self_approval: false, roles: ['admin'] })
  })

  it('does not know a release that is not there, or is hidden', async () => {
    const { id } = await storeRelease(test.database, { repository: 'acme/hidden' })
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/other'] })
    for (const [release, options] of [
      ['0198c5a2-8d4e-7c3a-9f10-000000000001', {}],
      [id, { token }],
    ] as const) {
      const answer = await test.request('GET', `/v1/environments?release_id=${release}`, options)
      expect(answer.statusCode).toBe(404)
      expect(answer.json().error).toEqual({
        code: 'resource_not_found',
        message: `There is no release ${release}`,
      })
    }
  })

  it.each(['release_id=42', 'release=x'])('refuses the query %s', async (query) => {
    const answer = await test.request('GET', `/v1/environments?${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.code).toBe('invalid_request')
  })

  it('is for viewers, and not for service accounts', async () => {
    expect(await list('/v1/environments', await test.tokenFor(['viewer']))).toHaveLength(4)
    const token = await test.tokenFor(['service-account'])
    expect((await test.request('GET', '/v1/environments', { token })).statusCode).toBe(403)
  })
})
