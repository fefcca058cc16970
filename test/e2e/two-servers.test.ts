// Two servers on one database: what happens at one is seen at the other at once.
import type { CreatedTicket, CreatedToken } from '@slipway/contract/access'
import type { Build } from '@slipway/contract/builds'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStream } from '../support/event-source.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { finishedRun, startRun, stepNamed, stepsOf, waitForRun } from '../support/runs.ts'
import { createServerGroup, type ServerGroup } from '../support/server-group.ts'
import type { TestServer } from '../support/server.ts'
import { connectSocket } from '../support/socket-client.ts'
import { connectClient } from '../support/socket-io-client.ts'

let s3: TestS3
let group: ServerGroup
/** Does all the work. */
let works: TestServer
/** Does none, so that whatever it shows is the other's. */
let shows: TestServer
let repository: TestRepository
const name = 'acme/shop'

beforeAll(async () => {
  s3 = await startRadosgw()
  group = await createServerGroup(s3, 'two-servers')
  works = await group.start()
  shows = await group.start({ SLIPWAY_WORKER_TYPES: '' })
  repository = await createRepository(group.repositories, name)
}, 120_000)
afterAll(async () => {
  await group.close()
  await s3.close()
})

/** A step that says line by line what it is told to by files that the test makes. */
const slowly = [
  'for i in $(seq 1 3); do',
  '  echo "line $i"',
  '  until [ -e "$SLIPWAY_CACHE/go-$i" ]; do sleep 0.05; done',
  'done',
].join('\n')
const onward = (number: number) => `touch $SLIPWAY_CACHE/go-${number}`

/** Runs a command where the steps' cache is. */
async function step(command: string): Promise<void> {
  const commit = await repository.commit(oneProject([{ name: 's', action: 'run', run: command }]))
  const id = await startRun(shows, name, commit, { branch: `b${Math.random()}` })
  expect((await finishedRun(shows, id)).status).toBe('success')
}

async function runningStep(script: string) {
  const commit = await repository.commit(oneProject([{ name: 'talk', action: 'run', run: script }]))
  const id = await startRun(shows, name, commit)
  const run = await waitForRun(shows, id, (now) => stepsOf(now)[0]?.status === 'running')
  return { id, step: stepNamed(run, 'talk') }
}

const textReader = (response: Response) =>
  response.body!.pipeThrough(new TextDecoderStream()).getReader()

describe('a run that one server is asked for and the other works on', () => {
  it('is followed, read, ranged and told of at either', async () => {
    const lastSeen = await openStream(`${shows.url}/v1/events`, {
      authorization: `Bearer ${shows.token}`,
    })
    const { id, step: talking } = await runningStep(slowly)
    const path = `/v1/steps/${talking.id}/logs`
    const followed = textReader(await shows.request('GET', `${path}?follow=true`))
    expect((await followed.read()).value).toBe('line 1\n')
    await step(onward(1))
    expect((await followed.read()).value).toBe('line 2\n')
    for (const server of [works, shows]) {
      const part = await server.request('GET', path, { headers: { range: 'bytes=5-8' } })
      expect([part.status, await part.text()]).toEqual([206, '1\nli'])
      expect(await (await server.request('GET', `${path}?tail=1`)).text()).toBe('line 2\n')
      const timed = await (await server.request('GET', `${path}?timestamps=true`)).text()
      expect(timed).toMatch(/^\S+Z line 1\n\S+Z line 2\n$/)
    }
    await step(onward(2))
    expect((await followed.read()).value).toBe('line 3\n')
    await step(onward(3))
    expect((await followed.read()).done).toBe(true)
    const run = await finishedRun(shows, id)
    expect(run.status).toBe('success')
    const told = () =>
      lastSeen
        .events()
        .map(
          ({ data = '{}' }) =>
            JSON.parse(data) as { data: { run_id?: string }; event_type?: string },
        )
        .filter((event) => JSON.stringify(event).includes(id))
    await expect.poll(told).not.toEqual([])
    await expect
      .poll(() =>
        lastSeen
          .events()
          .some(({ event, data }) => event === 'pipeline.run.completed' && data?.includes(id)),
      )
      .toBe(true)
    lastSeen.leave()
    // Sealed: each reads it in the bucket for itself.
    await expect.poll(async () => group.bucket.keys()).toContainEqual(expect.stringContaining(id))
    for (const server of [works, shows]) {
      await expect
        .poll(async () => (await server.request('GET', path)).text())
        .toBe('line 1\nline 2\nline 3\n')
    }
  })

  it('is waited for at one before its step has begun at the other', async () => {
    const blocked = await repository.commit(
      oneProject([
        {
          name: 'first',
          action: 'run',
          run: 'until [ -e "$SLIPWAY_CACHE/begin" ]; do sleep 0.05; done',
        },
        {
          name: 'second',
          action: 'run',
          run: 'echo begun; sleep 0.3; echo ended',
          needs: ['first'],
        },
      ]),
    )
    const id = await startRun(shows, name, blocked)
    const run = await waitForRun(
      shows,
      id,
      (now) => stepNamedOrNull(now, 'first')?.status === 'running',
    )
    const path = `/v1/steps/${stepNamed(run, 'second').id}/logs?follow=true`
    const waiting = shows.request('GET', path).then((response) => response.text())
    await step('touch $SLIPWAY_CACHE/begin')
    expect(await waiting).toBe('begun\nended\n')
    await finishedRun(shows, id)
  })

  it('has links that one makes and the other opens', async () => {
    const commit = await repository.commit(
      oneProject([{ name: 's', action: 'run', run: 'echo linked' }]),
    )
    const run = await finishedRun(works, await startRun(works, name, commit))
    const { pathname, search } = new URL(stepNamed(run, 's').logs_url)
    const response = await shows.request('GET', pathname + search, { token: null })
    expect([response.status, await response.text()]).toEqual([200, 'linked\n'])
    const bent = search.replace(/signature=./, 'signature=-')
    expect((await shows.request('GET', pathname + bent, { token: null })).status).toBe(401)
  })

  it('is cancelled at one and stopped at the other', async () => {
    const { id, step: endless } = await runningStep('echo up; sleep 600')
    const followed = textReader(
      await shows.request('GET', `/v1/steps/${endless.id}/logs?follow=true`),
    )
    expect((await followed.read()).value).toBe('up\n')
    expect((await shows.request('DELETE', `/v1/runs/${id}`)).status).toBe(204)
    let rest = ''
    for (let next = await followed.read(); !next.done; next = await followed.read())
      rest += next.value
    expect(rest).toContain('Stopped')
    expect((await finishedRun(works, id)).status).toBe('cancelled')
  })
})

function stepNamedOrNull(run: Parameters<typeof stepsOf>[0], wanted: string) {
  return stepsOf(run).find((candidate) => candidate.name === wanted)
}

describe('sockets', () => {
  it('tell at one how a build comes on at the other, with its lines', async () => {
    const body = { name: 'shop', repository_url: `file://${repository.directory}` }
    const { repository: made } = await works.json<{ repository: { id: number } }>(
      'POST',
      '/api/repositories',
      { body },
    )
    const { pipeline_run: build } = await shows.json<{ pipeline_run: Build }>(
      'POST',
      '/api/pipelines/runs',
      {
        body: {
          steps_to_execute: ['clone_repo', 'create_zip'],
          git_repository_id: made.id,
          output_type: 'zip',
        },
      },
    )
    const client = await connectSocket(`${shows.url}/api/pipelines/runs/${build.id}/ws`, {
      token: shows.token,
    })
    await shows.json('POST', `/api/pipelines/runs/${build.id}/execute?wait=false`, { expect: 202 })
    const end = await client.take(({ type }) => type === 'end')
    expect(end['status']).toBe('completed')
    const lines = client.messages.filter(({ type }) => type === 'log')
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1))
    expect(lines.at(-1)?.['line']).toMatch(/^Pipeline completed successfully/)
    const { build_outputs: outputs } = await shows.json<{ build_outputs: { id: number }[] }>(
      'GET',
      `/api/pipelines/runs/${build.id}/outputs`,
    )
    const path = `/api/pipelines/outputs/${outputs[0]?.id}/download`
    const zip = Buffer.from(await (await shows.request('GET', path)).arrayBuffer())
    expect(zip.subarray(0, 2).toString()).toBe('PK')
  })

  it('of socket.io have the same rooms at both', async () => {
    const clients = await Promise.all(
      [works, shows].map((server) => connectClient(server.url, { token: server.token })),
    )
    try {
      for (const client of clients) {
        const answer = await client.ask('subscribe:repository', 'owner/repo')
        expect(answer).toMatchObject({ success: true })
      }
      const job = { jobId: '1', runId: '1', repository: 'owner/repo', labels: ['self-hosted'] }
      for (const [index, server] of [works, shows].entries()) {
        await server.json('POST', '/api/jobs/delegate', { body: { ...job, runId: `${index}` } })
      }
      for (const { told } of clients) {
        await expect.poll(() => told.filter(([event]) => event === 'job:delegated')).toHaveLength(2)
      }
    } finally {
      for (const { socket } of clients) socket.disconnect()
    }
  })
})

describe('access', () => {
  it('is what it is at both: tokens made, limited and revoked at one count at the other', async () => {
    const made = await works.json<CreatedToken>('POST', '/v1/tokens', {
      body: { name: 'reader', roles: ['viewer'], repositories: ['acme/else'] },
    })
    const asked = (path: string) => shows.request('GET', path, { token: made.token })
    expect((await asked('/v1/runs?repository=acme/else')).status).toBe(200)
    expect((await asked('/v1/runs?repository=acme/shop')).status).toBe(403)
    await works.request('DELETE', `/v1/tokens/${made.id}`)
    await expect.poll(async () => (await asked('/v1/runs?repository=acme/else')).status).toBe(401)
  })

  it('by a ticket is given once by either of them, however many ask', async () => {
    const { ticket } = await works.json<CreatedTicket>('POST', '/v1/tickets')
    const path = `/v1/runs?repository=acme/shop&ticket=${ticket}`
    const answers = await Promise.all(
      [works, shows, works, shows].map((server) => server.request('GET', path, { token: null })),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 401)).toHaveLength(3)
  })
})
