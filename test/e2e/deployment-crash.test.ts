import type { ListDeploymentsResponse } from '@slipway/contract/deployments'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'
import { type BareRepository, blockAt, createBareRepository } from '../support/gitops-repository.ts'

// kill -9 while a deployment's commit is on its way to a GitOps repository elsewhere.

let world: DeploymentWorld
let remote: BareRepository
beforeEach(async () => {
  remote = await createBareRepository()
  world = await createDeploymentWorld({ GITOPS_REPOSITORY_URL: remote.url })
})
afterEach(async () => {
  await world.close()
  await remote.remove()
})

/** Asks for a deployment that is never answered. */
async function askAndDie(environment = 'staging'): Promise<void> {
  const { id } = await world.release()
  const body = { release_id: id, environment }
  void world.server.request('POST', '/v1/deployments', { body }).catch(() => undefined)
}

const listed = async () =>
  (await world.server.json<ListDeploymentsResponse>('GET', '/v1/deployments')).deployments
const preparing = async () => {
  const { rows } = await world.database.pool.query<{ id: string }>(
    `select id from deployments where status = 'preparing'`,
  )
  return rows.map(({ id }) => id)
}

describe('a server killed between the push and the answer', () => {
  it('finds its commit in the remote when it is back, and the deployment becomes active', async () => {
    const hook = await blockAt(remote, 'post-receive')
    await askAndDie()
    await hook.reached()
    const sha = await remote.head()
    expect(sha).toMatch(/^[0-9a-f]{40}$/)
    expect(await listed()).toEqual([])
    const [id] = await preparing()
    await world.server.kill()
    await hook.letGo()
    await world.server.restart()
    await expect.poll(async () => (await listed()).length, { timeout: 15_000 }).toBe(1)
    const found = await world.reaches(id ?? '', 'active')
    expect(found).toMatchObject({ gitops_commit_sha: sha, release_number: 1 })
    const created = await world.events('deployment.created')
    expect(created.map(({ data }) => data['deployment_id'])).toEqual([id])
    expect(await world.events('deployment.completed')).toHaveLength(1)
    expect(await remote.head()).toBe(sha)
  })

  it('lets no push of its dead self arrive later for a deployment that it gave up', async () => {
    const hook = await blockAt(remote, 'pre-receive')
    await askAndDie()
    await hook.reached()
    const [id] = await preparing()
    await world.server.kill()
    await world.server.restart()
    await expect.poll(preparing, { timeout: 15_000 }).toEqual([])
    expect(await listed()).toEqual([])
    const withdrawn = await remote.head()
    await hook.letGo()
    const again = await world.deploy((await world.release()).id)
    await world.reaches(again.id, 'active')
    const messages = await remote.messages()
    expect(messages.join()).not.toContain(`Slipway-Deployment: ${id}`)
    expect(messages.at(-1)).toContain(`Slipway-Withdrawn: ${id}`)
    expect(await remote.git('rev-parse', 'main^')).toBe(withdrawn)
    expect(await world.events('deployment.created')).toHaveLength(1)
  })

  it('forgets what had not come as far as a push', async () => {
    const { id } = await world.release()
    await world.database.pool.query(
      `insert into deployments (id, release_id, environment, repository, project, release_number,
         status, deployed_by, holder)
       values (gen_random_uuid(), $1, 'staging', 'acme/shop', 'api', 1, 'preparing', 'x',
               gen_random_uuid())`,
      [id],
    )
    await world.server.kill()
    await world.server.restart()
    await expect.poll(preparing, { timeout: 15_000 }).toEqual([])
    expect(await listed()).toEqual([])
    expect(await remote.head()).toBe('')
  })

  it('orders by the commits what another deployment of the place finds left over', async () => {
    const hook = await blockAt(remote, 'post-receive')
    await askAndDie()
    await hook.reached()
    await world.server.kill()
    await hook.letGo()
    await world.server.restart()
    const next = await world.release()
    const made = await world.deploy(next.id)
    await world.reaches(made.id, 'active')
    const history = await world.server.json<ListDeploymentsResponse & { total: number }>(
      'GET',
      '/v1/deployments/staging/acme%2Fshop/api/history',
    )
    expect(history.total).toBe(2)
    expect(history.deployments.map(({ release_number }) => release_number)).toEqual([2, 1])
    expect(history.deployments.map(({ status }) => status)).toEqual(['active', 'superseded'])
  })
})
