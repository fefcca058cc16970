// A delegation's container is where its worker started it: nobody starts it twice, and one of that machine goes on.
import { afterEach, expect, it } from 'vitest'
import { createRunnersApp, type RunnersApp, type TakenJob } from '../support/runners-app.ts'

let test: RunnersApp
afterEach(() => test.close())

const { signal } = new AbortController()
const conflict = { code: 'resource_conflict' }
const open = (taken: TakenJob) => test.control.openRunnerConfiguration(taken, signal)

/** One that a worker of another machine has begun, and may have started. */
async function startedThere(more: { body?: object; run?: boolean } = {}): Promise<string> {
  test = await createRunnersApp()
  test.start()
  const id = await test.delegate({ ...more.body })
  const there = await test.take('there')
  await there.begin()
  await open(there)
  if (more.run === true) await there.run('c-1')
  await there.lose()
  return id
}

/** As if the job had waited for so long. */
async function waited(id: string, seconds: number): Promise<void> {
  await test.database.pool.query(
    `update delegations set sought_at = sought_at - $2 * interval '1 s' where id = $1`,
    [id, seconds],
  )
}

it('is left to the machine where it may run, and that does not count as an attempt', async () => {
  const id = await startedThere({ run: true })
  for (let n = 0; n < 5; n++) {
    const here = await test.take()
    await expect(here.begin()).rejects.toMatchObject(conflict)
  }
  expect(await test.show(id)).toMatchObject({ status: 'running', metadata: { attempt: 1 } })
  const again = await test.take('there')
  expect(await again.begin()).toMatchObject({ number: 2, containerId: 'c-1', hasStarted: true })
  await again.complete()
  expect(await test.show(id)).toMatchObject({ status: 'completed' })
})

it('is lost where that machine does not come back, also if nobody told that it was started', async () => {
  const id = await startedThere()
  await expect((await test.take()).begin()).rejects.toMatchObject(conflict)
  await waited(id, 110)
  await expect((await test.take()).begin()).rejects.toMatchObject(conflict)
  expect(await test.show(id)).toMatchObject({ status: 'assigned' })
  await waited(id, 11)
  await expect((await test.take()).begin()).rejects.toMatchObject(conflict)
  expect(await test.show(id)).toMatchObject({ status: 'failed', metadata: { reason: 'lost' } })
  expect(await test.waiting()).toBe(0)
})

it('goes elsewhere at once where it was not started, or never asked to', async () => {
  test = await createRunnersApp()
  test.start()
  await test.delegate()
  const asked = await test.take('there')
  await asked.begin()
  await open(asked)
  await test.control.reportDelegationNotStarted(asked)
  await asked.lose()
  const unasked = await test.take()
  expect(await unasked.begin()).toMatchObject({ number: 2, hasStarted: false })
  await unasked.lose()
  expect(await (await test.take('there')).begin()).toMatchObject({ number: 3 })
})

it('of a proxy’s hooks ends with its proxy, and is not stopped by who does not have it', async () => {
  const body = { container: { image: 'runner:1' } }
  const id = await startedThere({ body, run: true })
  const there = await test.take('there')
  const path = `/api/jobs/${id}/proxy-complete`
  const answer = await test.request('POST', path, { body: { status: 'completed' } })
  expect(answer.statusCode, answer.body).toBeLessThan(300)
  expect(await test.show(id)).toMatchObject({ status: 'completed' })
  expect(test.stopped).toContain(there.claim.id)
  expect(test.stoppedContainers).toEqual([])
})
