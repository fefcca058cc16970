// A run on the event stream, by the whole application: "Event Schemas" of API & Operations Reference.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { assertRunEvents } from '../support/assert-events.ts'
import { openStream } from '../support/event-source.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startRun, stepNamed, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
const name = 'acme/shop'

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
})
afterAll(() => server.close())

/** All events of a run, read from the beginning until `last` has come. */
async function eventsOf(runId: string, last: string) {
  const stream = await openStream(`${server.url}/v1/events?after=0&run_id=${runId}`, {
    authorization: `Bearer ${server.token}`,
  })
  const types = () => stream.events().map(({ event }) => event)
  await expect.poll(types, { timeout: 20_000 }).toContain(last)
  stream.leave()
  return assertRunEvents(
    runId,
    stream.events().map(({ data }) => JSON.parse(data ?? '') as unknown),
  )
}

it('announces a run that succeeds, and each change on its way', async () => {
  const commit = await repository.commit(oneProject([{ name: 's', action: 'run', run: 'true' }]))
  const id = await startRun(server, name, commit)
  const events = await eventsOf(id, 'pipeline.run.completed')
  const steps = events.flatMap((event) =>
    event.event_type === 'pipeline.step.updated' ? [event.data] : [],
  )
  expect(steps.at(-1)).toMatchObject({ step: 's', project: 'app', status: 'success', exit_code: 0 })
  expect(events.map((event) => event.event_type).filter((type) => type.includes('.run.'))).toEqual([
    'pipeline.run.created',
    'pipeline.run.started',
    'pipeline.run.completed',
  ])
  expect(events.at(-1)?.data).toMatchObject({ commit_sha: commit, status: 'success' })
})

it('announces a failed run as completed and as failed, with phase and reason', async () => {
  const commit = await repository.commit(oneProject([{ name: 's', action: 'run', run: 'exit 4' }]))
  const id = await startRun(server, name, commit)
  const events = await eventsOf(id, 'pipeline.run.failed')
  const [completed, failed] = events.slice(-2)
  expect(completed?.data).toMatchObject({ status: 'failed' })
  expect(failed?.data).toMatchObject({
    failed_phase: 'test',
    error_message: expect.stringContaining('exited with 4') as string,
  })
})

it('announces a run that fails before any phase, and one that is cancelled', async () => {
  const lost = await startRun(server, name, 'f'.repeat(40))
  const failed = (await eventsOf(lost, 'pipeline.run.failed')).at(-1)
  expect(failed?.data).toMatchObject({ failed_phase: 'discovery' })
  const commit = await repository.commit(
    oneProject([{ name: 's', action: 'run', run: 'sleep 300' }]),
  )
  const id = await startRun(server, name, commit)
  await waitForRun(
    server,
    id,
    (run) => run.phases.length > 0 && stepNamed(run, 's').status === 'running',
  )
  await server.request('DELETE', `/v1/runs/${id}`)
  const events = await eventsOf(id, 'pipeline.run.cancelled')
  expect(events.at(-1)?.data).toMatchObject({ cancelled_by: 'admin' })
  expect(events.map((event) => event.event_type)).not.toContain('pipeline.run.completed')
})
