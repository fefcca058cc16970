import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  createDeploymentRoom,
  type DeploymentRoom,
} from '../../../../test/support/deployment-room.ts'
import { numberedReleases } from '../../../../test/support/numbered-releases.ts'
import { settleDeployments } from './settle-deployments.ts'

let room: DeploymentRoom
beforeEach(async () => {
  room = await createDeploymentRoom()
})
afterEach(() => room.close())

const statuses = async () => (await room.rows()).map(({ status }) => status)

it('lets be what this process began to prepare after it was asked what is left over', async () => {
  const { deps, database } = room
  const release = await numberedReleases(database).add({ project: 'api' })
  // Whoever wants a connection waits until these are given back.
  const { max } = database.pool.options
  const taken = await Promise.all(Array.from({ length: max }, () => database.pool.connect()))
  const settled = settleDeployments(deps, new AbortController().signal)
  await expect.poll(() => database.pool.waitingCount).toBe(1)
  const id = randomUUID()
  deps.inHand.add(id)
  await taken[0]?.query(
    `insert into deployments (id, release_id, environment, repository, project, release_number,
       status, deployed_by, holder)
     values ($1, $2, 'staging', 'acme/shop', 'api', 1, 'preparing', 'x', $3)`,
    [id, release.id, deps.holder],
  )
  for (const connection of taken) connection.release()
  await settled
  expect(await statuses()).toEqual(['preparing'])
  deps.inHand.delete(id)
  await settleDeployments(deps, new AbortController().signal)
  expect(await statuses()).toEqual([])
})
