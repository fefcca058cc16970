import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { quietLog } from '../../../../test/support/quiet-log.ts'
import { createSeenWorkflows } from './seen-workflows.ts'
import { type SettleDeps, settleWorkflows } from './settle-workflows.ts'

let database: TestDatabase
beforeAll(async () => void (database = await createTestDatabase()))
afterAll(() => database.close())

async function addRun(branch: string): Promise<string> {
  const id = uuid()
  await database.pool.query(
    `with run as (
       insert into runs (id, repository, branch, commit_sha, trigger_type, triggered_by,
                         repository_ordinal, branch_ordinal, orchestrator)
       values ($1, 'acme/shop', $2, 'a', 'push', 'alice',
               (select count(*) from runs) + 1, 1, 'argo') returning id)
     insert into run_workflows (run_id, name) select id, 'run-' || id from run`,
    [id, branch],
  )
  return id
}

function settle(submit: (workflow: { runId: string }) => { uid: string }) {
  const never = () => Promise.reject(new Error('nobody asks for this'))
  const deps: SettleDeps = {
    ...database,
    log: quietLog,
    orchestrator: {
      name: 'none',
      submit: (workflow) => Promise.resolve(submit(workflow)),
      find: never,
      follow: never,
      terminate: never,
      check: never,
    },
    wakeEvents: () => {},
    wakeJobs: () => {},
    stopJobs: () => {},
    feed: { follow: never } as never,
    objects: { put: never, head: never, get: never },
  }
  return settleWorkflows(deps, createSeenWorkflows(), new AbortController().signal)
}

it('keeps no workflow waiting for one that fails for a reason that nobody thought of', async () => {
  const first = await addRun('a')
  const second = await addRun('b')
  const away = await settle(({ runId }) => {
    if (runId === first) throw new TypeError('unthinkable')
    return { uid: 'u' }
  })
  expect(away).toBeNull()
  const { rows } = await database.pool.query<{ run_id: string }>(
    'select run_id, state, failures, message is null as silent from run_workflows order by run_id',
  )
  expect(rows).toEqual([
    { run_id: first, state: 'waiting', failures: 1, silent: false },
    { run_id: second, state: 'running', failures: 0, silent: true },
  ])
})
