import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  createDeploymentRoom,
  type DeploymentRoom,
} from '../../../../test/support/deployment-room.ts'
import type { Reconciliation } from '../ports/reconciler.ts'
import { createReconciliation } from './reconcile-deployments.ts'

let room: DeploymentRoom
beforeEach(async () => {
  room = await createDeploymentRoom()
})
afterEach(() => room.close())

const times = { timeoutMs: 600_000, firstPauseMs: 1, longestPauseMs: 1, checkMs: 5_000 }

function reconcilerThat(check: (project: string) => Reconciliation) {
  const reconciler = { name: 'x', check: async (one: { project: string }) => check(one.project) }
  const round = createReconciliation({ ...room.deps, reconciler }, times)
  return () => round(new AbortController().signal)
}

async function reasonOf(id: string): Promise<string | null | undefined> {
  const { rows } = await room.database.pool.query<{ reason: string | null }>(
    'select reason from deployments where id = $1',
    [id],
  )
  return rows[0]?.reason
}

it('stores what a reconciler says, whatever characters are in it', async () => {
  const { id } = await room.deploy()
  await reconcilerThat(() => ({ reconciled: false, reason: 'pod a\0b\uD800 died' }))()
  expect(await reasonOf(id)).toBe('pod a\uFFFDb\uFFFD died.')
})

it('goes on with the others where one cannot be looked at', async () => {
  const projects = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const project of projects) await room.deploy({ project })
  const asked: string[] = []
  const round = reconcilerThat((project) => {
    asked.push(project)
    if (project < 'e') throw new Error('a fault of the reconciler')
    return { reconciled: true }
  })
  await round()
  expect(asked.toSorted()).toEqual(projects)
  const statuses = (await room.rows()).map(({ status }) => status)
  expect(statuses.toSorted()).toEqual([
    'active',
    'active',
    ...Array.from({ length: 4 }, () => 'pending'),
  ])
})
