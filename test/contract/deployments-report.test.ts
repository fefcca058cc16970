// The reconciler `callback`: whoever applies the manifests says what came of it.
import { Deployment } from '@slipway/contract/deployments'
import type { PlatformError } from '@slipway/contract/errors'
import { DeploymentCompletedEvent, DeploymentFailedEvent } from '@slipway/contract/events'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'

let world: DeploymentWorld
let service: string
beforeAll(async () => {
  world = await createDeploymentWorld({ GITOPS_RECONCILER: 'callback' })
  service = await world.token(['service-account'])
})
afterAll(() => world.close())

function report(id: string, body: object, token = service): Promise<Response> {
  return world.server.request('PUT', `/v1/deployments/${id}/status`, { body, token })
}

async function reported(id: string, body: object): Promise<Deployment> {
  const response = await report(id, body)
  expect(response.status).toBe(200)
  const deployment = (await response.json()) as Deployment
  expect(Value.Check(Deployment, deployment)).toBe(true)
  return deployment
}

async function refused(id: string, body: object, token?: string) {
  const response = await report(id, body, token)
  const { error } = (await response.json()) as PlatformError
  return { status: response.status, ...error }
}

const told = async (type: string, id: string) =>
  (await world.events(type)).filter(({ data }) => data['deployment_id'] === id)

async function pending(project: string) {
  return world.deploy((await world.release({ project })).id)
}

describe('PUT /v1/deployments/{id}/status', () => {
  it('activates, supersedes what was before, and tells both', async () => {
    const first = await pending('one')
    const second = await pending('one')
    expect(await reported(first.id, { status: 'active' })).toMatchObject({ status: 'active' })
    expect(await reported(second.id, { status: 'active' })).toMatchObject({
      status: 'active',
      activated_at: expect.any(String),
    })
    expect(await world.get(first.id)).toMatchObject({
      status: 'superseded',
      superseded_at: expect.any(String),
    })
    const [completed, ...more] = await told('deployment.completed', second.id)
    expect(more).toEqual([])
    expect(Value.Check(DeploymentCompletedEvent.properties.data, completed?.data)).toBe(true)
    expect(completed?.data).toMatchObject({ environment: 'staging', status: 'active' })
    const [superseded] = await told('deployment.superseded', first.id)
    expect(superseded?.data).toMatchObject({ superseded_by: second.id })
  })

  it('takes the same report twice', async () => {
    const { id } = await pending('twice')
    await reported(id, { status: 'failed', reason: 'no such image' })
    const again = await reported(id, { status: 'failed', reason: 'no such image' })
    expect(again).toMatchObject({ status: 'pending', reason: 'no such image' })
    const failures = await told('deployment.failed', id)
    expect(failures).toHaveLength(1)
    expect(Value.Check(DeploymentFailedEvent.properties.data, failures[0]?.data)).toBe(true)
    await reported(id, { status: 'active' })
    const active = await reported(id, { status: 'active' })
    expect(active).toMatchObject({ status: 'active', failed_at: null })
    expect(active.reason).toBeUndefined()
    expect(await told('deployment.completed', id)).toHaveLength(1)
  })

  it('is 409 for what contradicts: failed after active, active after being superseded while pending', async () => {
    const older = await pending('late')
    const newer = await pending('late')
    await reported(newer.id, { status: 'active' })
    expect(await world.get(older.id)).toMatchObject({ status: 'superseded' })
    expect(await refused(older.id, { status: 'active' })).toMatchObject({
      status: 409,
      code: 'resource_conflict',
      details: { status: 'superseded' },
    })
    expect(await refused(newer.id, { status: 'failed' })).toMatchObject({ status: 409 })
    expect(await world.get(newer.id)).toMatchObject({ status: 'active' })
  })

  it('still lets be deployed again what has failed', async () => {
    const release = await world.release({ project: 'retry' })
    const failed = await world.deploy(release.id)
    await reported(failed.id, { status: 'failed' })
    const again = await world.deploy(release.id)
    await reported(again.id, { status: 'active' })
    expect(await world.get(failed.id)).toMatchObject({ status: 'superseded' })
  })

  it('is for service accounts, operators and administrators', async () => {
    const { id } = await pending('who')
    for (const role of ['viewer', 'developer', 'approver']) {
      const token = await world.token([role])
      expect(await refused(id, { status: 'active' }, token)).toMatchObject({ status: 403 })
    }
    for (const role of ['operator', 'admin']) {
      const response = await report(id, { status: 'active' }, await world.token([role]))
      expect(response.status).toBe(200)
    }
  })

  it('refuses other statuses, unknown ids and hidden ones', async () => {
    const { id } = await pending('bad')
    for (const body of [{}, { status: 'superseded' }, { status: 'active', extra: 1 }]) {
      expect(await refused(id, body)).toMatchObject({ status: 400 })
    }
    const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'
    expect(await refused(unknown, { status: 'active' })).toMatchObject({ status: 404 })
    const token = await world.token(['operator'], ['acme/other'])
    expect(await refused(id, { status: 'active' }, token)).toMatchObject({ status: 404 })
  })
})
