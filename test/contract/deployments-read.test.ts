// API & Operations Reference, "Get Current Deployment" and "Get Deployment History", and what is ours.
import {
  CurrentDeployment,
  Deployment,
  DeploymentHistoryResponse,
  ListDeploymentsResponse,
  PreviewDeploymentResponse,
} from '@slipway/contract/deployments'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'

let world: DeploymentWorld
beforeAll(async () => {
  world = await createDeploymentWorld()
})
afterAll(() => world.close())

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const status = async (path: string, token?: string) =>
  (await world.server.request('GET', path, token === undefined ? {} : { token })).status

describe('GET /v1/deployments/{environment}/{repo}/{project}', () => {
  it('answers what is active with exactly its fields, with the slash encoded or not', async () => {
    const release = await world.release({ project: 'current' })
    const made = await world.deploy(release.id)
    await world.reaches(made.id, 'active')
    for (const repo of ['acme%2Fshop', 'acme/shop']) {
      const body = await world.server.json('GET', `/v1/deployments/staging/${repo}/current`)
      expect(body).toEqual({
        deployment_id: made.id,
        release_id: release.id,
        release_number: 1,
        environment: 'staging',
        status: 'active',
        deployed_at: expect.stringMatching(iso),
        deployed_by: 'admin',
        gitops_commit_sha: made.gitops_commit_sha,
      })
      expect(Value.Check(CurrentDeployment, body)).toBe(true)
    }
  })

  it('is 404 where nothing is active, 400 for an environment that is not there, 403 for a hidden one', async () => {
    expect(await status('/v1/deployments/staging/acme%2Fshop/nothing')).toBe(404)
    expect(await status('/v1/deployments/moon/acme%2Fshop/nothing')).toBe(400)
    expect(await status('/v1/deployments/staging/acme/nothing')).toBe(400)
    const token = await world.token(['viewer'], ['acme/other'])
    expect(await status('/v1/deployments/staging/acme%2Fshop/current', token)).toBe(403)
  })
})

describe('GET …/history', () => {
  it('lists every deployment, newest first, in pages', async () => {
    const ids: string[] = []
    for (let n = 0; n < 3; n++) {
      const release = await world.release({ project: 'history' })
      const made = await world.deploy(release.id)
      await world.reaches(made.id, 'active')
      ids.unshift(made.id)
    }
    const path = '/v1/deployments/staging/acme%2Fshop/history/history'
    const all = await world.server.json<DeploymentHistoryResponse>('GET', path)
    expect(Value.Check(DeploymentHistoryResponse, all)).toBe(true)
    expect(all).toMatchObject({ total: 3, limit: 20, offset: 0 })
    expect(all.deployments.map(({ id }) => id)).toEqual(ids)
    expect(all.deployments.map((entry) => entry.status)).toEqual([
      'active',
      'superseded',
      'superseded',
    ])
    expect(all.deployments[0]).toMatchObject({
      release_number: 3,
      deployed_at: expect.stringMatching(iso),
      deployed_by: 'admin',
      rollback: false,
    })
    const page = await world.server.json<DeploymentHistoryResponse>(
      'GET',
      `${path}?limit=1&offset=1`,
    )
    expect(page).toMatchObject({ total: 3, limit: 1, offset: 1 })
    expect(page.deployments.map(({ id }) => id)).toEqual([ids[1]])
    const beyond = await world.server.json<DeploymentHistoryResponse>('GET', `${path}?offset=9`)
    expect(beyond).toMatchObject({ deployments: [], total: 3 })
  })

  it('is empty where nothing was deployed, and refuses pages that are none', async () => {
    const path = '/v1/deployments/staging/acme/shop/never/history'
    expect(await world.server.json('GET', path)).toEqual({
      deployments: [],
      total: 0,
      limit: 20,
      offset: 0,
    })
    for (const query of ['limit=0', 'limit=101', 'offset=-1', 'limit=x', 'page=2']) {
      expect(await status(`${path}?${query}`)).toBe(400)
    }
  })
})

describe('GET /v1/deployments', () => {
  it('lists what the token may see, newest first, by repository, project, environment and status', async () => {
    const mine = await world.release({ repository: 'acme/mine', project: 'one' })
    const other = await world.release({ repository: 'acme/theirs', project: 'two' })
    const first = await world.deploy(mine.id, 'dev')
    const second = await world.deploy(mine.id, 'staging')
    const third = await world.deploy(other.id, 'dev')
    await Promise.all([first, second, third].map(({ id }) => world.reaches(id, 'active')))
    const ids = async (query: string, token?: string) => {
      const options = token === undefined ? {} : { token }
      const path = `/v1/deployments?${query}`
      const list = await world.server.json<ListDeploymentsResponse>('GET', path, options)
      expect(Value.Check(ListDeploymentsResponse, list)).toBe(true)
      return list.deployments.map(({ id }) => id)
    }
    expect((await ids('limit=3')).slice(0, 3)).toEqual([third.id, second.id, first.id])
    expect(await ids('repository=acme/mine')).toEqual([second.id, first.id])
    expect(await ids('repository=acme/mine&environment=dev')).toEqual([first.id])
    expect(await ids('project=two&status=active')).toEqual([third.id])
    expect(await ids('project=two&status=pending')).toEqual([])
    const token = await world.token(['viewer'], ['acme/theirs'])
    expect(await ids('', token)).toEqual([third.id])
    expect(await status('/v1/deployments?repository=acme/mine', token)).toBe(403)
    const page = await world.server.json<ListDeploymentsResponse>(
      'GET',
      '/v1/deployments?repository=acme/mine&limit=1',
    )
    expect(page).toMatchObject({ limit: 1, offset: 0, has_more: true })
  })
})

describe('GET /v1/deployments/{id}', () => {
  it('answers a deployment, and not a hidden one', async () => {
    const release = await world.release({ repository: 'acme/single' })
    const made = await world.deploy(release.id)
    const body = await world.reaches(made.id, 'active')
    expect(Value.Check(Deployment, body)).toBe(true)
    expect(body).toMatchObject({ commit_sha: release.commit, repository: 'acme/single' })
    const token = await world.token(['viewer'], ['acme/other'])
    expect(await status(`/v1/deployments/${made.id}`, token)).toBe(404)
    expect(await status('/v1/deployments/0198c5a2-8d4e-7c3a-9f10-000000000001')).toBe(404)
    expect(await status('/v1/deployments/x')).toBe(400)
  })

  it('shows nothing that is only being prepared', async () => {
    const release = await world.release({ project: 'hidden' })
    const { rows } = await world.database.pool.query<{ id: string }>(
      `insert into deployments (id, release_id, environment, repository, project, release_number,
         status, deployed_by, holder)
       select gen_random_uuid(), $1, 'staging', 'acme/shop', 'hidden', 1, 'preparing', 'x', id
         from workers limit 1 returning id`,
      [release.id],
    )
    const id = rows[0]?.id ?? ''
    expect(await status(`/v1/deployments/${id}`)).toBe(404)
    const list = await world.server.json<ListDeploymentsResponse>(
      'GET',
      '/v1/deployments?project=hidden',
    )
    expect(list.deployments).toEqual([])
    const path = '/v1/deployments/staging/acme/shop/hidden/history'
    expect(await world.server.json('GET', path)).toMatchObject({ total: 0, deployments: [] })
  })
})

describe('POST /v1/deployments/preview', () => {
  it('shows the files as they are and would be, and changes nothing', async () => {
    const first = await world.release({ project: 'preview' })
    const second = await world.release({ project: 'preview' })
    const made = await world.deploy(first.id)
    const body = { release_id: second.id, environment: 'staging' }
    const preview = await world.server.json<PreviewDeploymentResponse>(
      'POST',
      '/v1/deployments/preview',
      { body, expect: 200 },
    )
    expect(Value.Check(PreviewDeploymentResponse, preview)).toBe(true)
    expect(preview).toMatchObject({ gitops_commit_sha: made.gitops_commit_sha, rollback: false })
    const [pointer, manifests] = preview.files
    expect(pointer?.path).toBe('environments/staging/acme/shop/preview/release.yaml')
    expect(manifests?.before).toContain('image: example.com/api:1')
    expect(manifests?.after).toContain('image: example.com/api:2')
    const list = await world.server.json<ListDeploymentsResponse>(
      'GET',
      '/v1/deployments?project=preview',
    )
    expect(list.deployments.map(({ id }) => id)).toEqual([made.id])
    const viewer = await world.token(['viewer'], ['acme/other'])
    const hidden = await world.server.request('POST', '/v1/deployments/preview', {
      body,
      token: viewer,
    })
    expect(hidden.status).toBe(404)
  })
})
