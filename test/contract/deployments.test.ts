// API & Operations Reference, "Create Deployment": every field, status and error.
import { CreateDeploymentResponse } from '@slipway/contract/deployments'
import { DeploymentCreatedEvent } from '@slipway/contract/events'
import type { PlatformError } from '@slipway/contract/errors'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'

let world: DeploymentWorld
beforeAll(async () => {
  world = await createDeploymentWorld()
})
afterAll(() => world.close())

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'

async function refusal(
  body: unknown,
  token?: string,
): Promise<{ status: number } & PlatformError['error']> {
  const options = { body, ...(token === undefined ? {} : { token }) }
  const response = await world.server.request('POST', '/v1/deployments', options)
  const { error } = (await response.json()) as PlatformError
  return { status: response.status, ...error }
}

async function approve(release_id: string, environment = 'production'): Promise<string> {
  const body = { release_id, environment, justification: 'string' }
  const made = await world.server.json<{ approval_id: string }>('POST', '/v1/approvals', { body })
  return made.approval_id
}

describe('POST /v1/deployments', () => {
  it.each(['dev', 'staging'])(
    'deploys to %s with 201 and exactly its fields',
    async (environment) => {
      const release = await world.release()
      const response = await world.server.request('POST', '/v1/deployments', {
        body: { release_id: release.id, environment },
      })
      expect(response.status).toBe(201)
      const body = (await response.json()) as CreateDeploymentResponse
      expect(body).toEqual({
        id: expect.stringMatching(uuid),
        deployment_id: body.id,
        gitops_commit_sha: expect.stringMatching(/^[0-9a-f]{40}$/),
        status: 'pending',
      })
      expect(Value.Check(CreateDeploymentResponse, body)).toBe(true)
      expect(response.headers.get('location')).toBe(`/v1/deployments/${body.id}`)
    },
  )

  it('deploys to production with an approval, and keeps which one', async () => {
    const release = await world.release()
    const approval_id = await approve(release.id)
    const body = { release_id: release.id, environment: 'production', approval_id }
    const made = await world.server.json<CreateDeploymentResponse>('POST', '/v1/deployments', {
      body,
    })
    expect(await world.get(made.id)).toMatchObject({
      environment: 'production',
      approval_ids: [approval_id],
      deployed_by: 'admin',
    })
  })

  it('emits deployment.created in the documented shape', async () => {
    const release = await world.release()
    const made = await world.deploy(release.id)
    const told = (await world.events('deployment.created')).find(
      ({ data }) => data['deployment_id'] === made.id,
    )
    expect(told?.repository).toBe('acme/shop')
    expect(Value.Check(DeploymentCreatedEvent.properties.data, told?.data)).toBe(true)
    expect(told?.data).toMatchObject({
      deployment_id: made.id,
      release_id: release.id,
      environment: 'staging',
      deployed_by: 'admin',
      gitops_commit_sha: made.gitops_commit_sha,
    })
  })

  it('names every problem of a bad request at once', async () => {
    const error = await refusal({
      release_id: 'x',
      environment: '../etc',
      approval_id: 1,
      extra: 1,
    })
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    const problems = error.details?.['problems'] as { path: string }[] | undefined
    const paths = problems?.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining(['/release_id', '/environment', '/approval_id', '/extra']),
    )
  })

  it.each(['release_id', 'environment'])('requires %s', async (field) => {
    const release = await world.release()
    const whole = { release_id: release.id, environment: 'dev' }
    const body = Object.fromEntries(Object.entries(whole).filter(([key]) => key !== field))
    const error = await refusal(body)
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.stringify(error.details)).toContain(field)
  })

  it('names the environments there are where one is unknown', async () => {
    const release = await world.release()
    const error = await refusal({ release_id: release.id, environment: 'moon' })
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(error.message).toContain('dev, staging, production')
  })

  it('does not know a release that is not there, or is hidden', async () => {
    const body = { release_id: unknown, environment: 'dev' }
    expect(await refusal(body)).toMatchObject({ status: 404, code: 'resource_not_found' })
    const release = await world.release({ repository: 'acme/hidden' })
    const token = await world.token(['developer'], ['acme/other'])
    const hidden = { release_id: release.id, environment: 'moon' }
    expect(await refusal(hidden, token)).toMatchObject({ status: 404, code: 'resource_not_found' })
  })

  it('needs the permission to deploy', async () => {
    const release = await world.release()
    const body = { release_id: release.id, environment: 'dev' }
    for (const role of ['viewer', 'approver']) {
      expect(await refusal(body, await world.token([role]))).toMatchObject({ status: 403 })
    }
    const developer = await world.token(['developer'])
    const made = await world.deploy(release.id, 'dev', { token: developer })
    expect(made.status).toBe('pending')
    const again = await world.release()
    const service = await world.token(['service-account'])
    expect((await world.deploy(again.id, 'dev', { token: service })).status).toBe('pending')
  })
})

describe('approval_id', () => {
  it('is needed for production: missing 400, unknown 404', async () => {
    const release = await world.release()
    const body = { release_id: release.id, environment: 'production' }
    const missing = await refusal(body)
    expect(missing).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(missing.details).toMatchObject({ reason: 'missing' })
    const error = await refusal({ ...body, approval_id: unknown })
    expect(error).toMatchObject({ status: 404, code: 'resource_not_found' })
  })

  it('is 403 with the reason for another release, revoked and expired', async () => {
    const release = await world.release()
    const body = { release_id: release.id, environment: 'production' }
    const foreign = await approve((await world.release()).id)
    expect(await refusal({ ...body, approval_id: foreign })).toMatchObject({
      status: 403,
      details: { reason: 'other_release' },
    })
    const approval_id = await approve(release.id)
    await world.database.pool.query(
      `update approvals set expires_at = now() - interval '1 second' where id = $1`,
      [approval_id],
    )
    expect(await refusal({ ...body, approval_id })).toMatchObject({
      status: 403,
      details: { reason: 'expired' },
    })
    const revoked = await approve(release.id)
    await world.server.json('DELETE', `/v1/approvals/${revoked}`, { expect: 204 })
    expect(await refusal({ ...body, approval_id: revoked })).toMatchObject({
      status: 403,
      details: { reason: 'revoked' },
    })
  })

  it('leaves nothing behind where it is refused', async () => {
    const release = await world.release()
    await refusal({ release_id: release.id, environment: 'production' })
    const { rows } = await world.database.pool.query(
      'select 1 from deployments where release_id = $1',
      [release.id],
    )
    expect(rows).toEqual([])
  })
})

describe('what would change nothing', () => {
  it('is 409 and names the deployment that has it', async () => {
    const release = await world.release({ project: 'again' })
    const made = await world.deploy(release.id)
    const error = await refusal({ release_id: release.id, environment: 'staging' })
    expect(error).toMatchObject({
      status: 409,
      code: 'resource_conflict',
      details: { deployment_id: made.id },
    })
    expect((await world.deploy(release.id, 'dev')).id).not.toBe(made.id)
  })
})

describe('the limit of deployments at once', () => {
  it('is 50, of which those that have failed are none', async () => {
    const release = await world.release({ project: 'many' })
    await world.database.pool.query(
      `insert into deployments (id, release_id, environment, repository, project, release_number,
         status, deployed_by, ordinal, failed_at, gitops_commit_sha)
       select gen_random_uuid(), $1, 'dev', 'acme/limit', 'p' || n, 1, 'pending', 'x', 1,
              case when n > 50 then now() end, repeat('0', 40)
         from generate_series(1, 60) n`,
      [release.id],
    )
    const body = { release_id: release.id, environment: 'dev' }
    const error = await refusal(body)
    expect(error).toMatchObject({ status: 429, code: 'limit_exceeded', details: { limit: 50 } })
    await world.database.pool.query(
      `update deployments set status = 'superseded' where repository = 'acme/limit' and project = 'p1'`,
    )
    expect((await world.deploy(release.id, 'dev')).status).toBe('pending')
    await world.database.pool.query(`delete from deployments where repository = 'acme/limit'`)
  })
})
