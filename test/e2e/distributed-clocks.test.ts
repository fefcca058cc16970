// A server whose clock is an hour ahead, beside one that is right, and a worker whose clock is an hour behind.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { listedWorkers, type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import { finishedRun, startRun, stepNamed, tasksOf, waitForRun } from '../support/runs.ts'
import { createServerGroup, type ServerGroup } from '../support/server-group.ts'
import type { TestServer } from '../support/server.ts'
import { coursesOf, createStepMarks, type StepMarks } from '../support/step-marks.ts'

vi.setConfig({ testTimeout: 120_000, expect: { poll: { timeout: 40_000, interval: 100 } } })

const name = 'acme/shop'
const hourMs = 3_600_000
let s3: TestS3
let group: ServerGroup
let right: TestServer
/** An hour ahead; in the last test it is behind. */
let ahead: TestServer
let behind: RemoteWorker
let repository: TestRepository
let marks: StepMarks
beforeAll(async () => {
  s3 = await startRadosgw()
  marks = await createStepMarks()
  group = await createServerGroup(s3, 'clocks')
  repository = await createRepository(group.repositories, name)
  right = await group.start({ SLIPWAY_WORKER_TYPES: '' })
  ahead = await group.start({ SLIPWAY_WORKER_TYPES: '', ...clockAt('+1h') })
  behind = await startRemoteWorker(ahead, {
    dataDir: await marks.dataDir(),
    env: {
      ...clockAt('-1h'),
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
    },
  })
}, 180_000)
afterAll(async () => {
  await behind?.close()
  await group?.close()
  await marks?.close()
  await s3?.close()
})

/** Variables of a program whose clock is off by this; what lasts lasts as long as ever. */
function clockAt(offset: string): Record<string, string> {
  const library = readdirSync('/usr/lib')
    .map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path))
  if (library === undefined) throw new Error('the package faketime is not installed')
  return { LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

async function begin(step: string, body: string, more: object = {}): Promise<string> {
  const steps = [{ name: step, action: 'run', run: marks.script(step, body), ...more }]
  return startRun(right, name, await repository.commit(oneProject(steps)))
}

const courses = async () => coursesOf(await marks.read())

/** A log's link, as this server shows it for the run. */
async function linkAt(server: TestServer, id: string, step: string): Promise<string> {
  return stepNamed(await server.json<Run>('GET', `/v1/runs/${id}`), step).logs_url
}

it('the clocks are off indeed', async () => {
  const { timestamp } = await ahead.json<{ timestamp: string }>('GET', '/health')
  expect(Math.abs(Date.parse(timestamp) - Date.now() - hourMs)).toBeLessThan(60_000)
  const { time } = JSON.parse(behind.output[0] ?? '{}') as { time: string | number }
  expect(Math.abs(new Date(time).getTime() - Date.now() + hourMs)).toBeLessThan(120_000)
})

describe('clocks that are off', () => {
  it('end nothing before its time: the run, its worker and their times are those of the database', async () => {
    const id = await begin('long', 'echo up; until [ -e "$MARKS/go" ]; do sleep 0.05; done', {
      timeout: '5m',
    })
    const running = await waitForRun(right, id, (run) => tasksOf(run)[0]?.status === 'running')
    const path = `/v1/steps/${stepNamed(running, 'long').id}/logs`
    // What one server has on its disk, the other asks it for by a signed request.
    for (const server of [right, ahead]) {
      await expect.poll(async () => (await server.request('GET', path)).text()).toBe('up\n')
    }
    // A heartbeat and the duties of both servers have been in between.
    const beat = async () =>
      (await listedWorkers(right)).find((worker) => worker.id === behind.id())?.last_seen_at
    const before = await beat()
    await expect.poll(beat).not.toBe(before)
    await marks.tell('go')
    const run = await finishedRun(right, id)
    expect([run.status, tasksOf(run)[0]?.attempt]).toEqual(['success', 1])
    expect(await courses()).toMatchObject({ long: 'begin end' })
    const step = stepNamed(run, 'long')
    const times = [run.started_at, step.started_at, step.completed_at, run.completed_at]
    const numbers = times.map((time) => Date.parse(time ?? ''))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(Math.abs((numbers[0] ?? 0) - Date.now())).toBeLessThan(5 * 60_000)
  })

  it('end what takes too long, in time', async () => {
    const id = await begin('late', 'sleep 300', { timeout: '2s' })
    const run = await finishedRun(right, id)
    expect(run.status).toBe('failed')
    expect(stepNamed(run, 'late').error).toMatch(/2\s?s/)
    expect(await courses()).toMatchObject({ late: 'begin' })
  })

  it.each([
    ['ahead', '+1h'],
    ['behind', '-1h'],
  ])('leave links valid where they were given, and on to S3: an hour %s', async (where, offset) => {
    const step = `told-${where}`
    const id = await begin(step, 'echo told')
    expect((await finishedRun(right, id)).status).toBe('success')
    const state = async (server: TestServer) =>
      (await fetch(await linkAt(server, id, step), { redirect: 'manual' })).status
    await expect.poll(() => state(right)).toBe(302)
    if (where === 'behind') {
      await ahead.stop()
      await ahead.restart(clockAt(offset))
    }
    for (const server of [right, ahead]) {
      expect(await state(server)).toBe(302)
      const answer = await fetch(await linkAt(server, id, step))
      expect([answer.status, await answer.text()]).toEqual([200, 'told\n'])
    }
  })
})
