// What goes wrong while jobs are in flight: the server is killed, the engine is, secrets are printed.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type DelegationPlace, nothing, startDelegationPlace } from '../support/delegations.ts'

// Twenty containers at once take their time where others work, too.
vi.setConfig({ testTimeout: 120_000 })

let place: DelegationPlace
beforeAll(async () => {
  place = await startDelegationPlace([
    { name: 'shell', network: 'bridge' },
    { name: 'warm', warm: 2, env: { MADE: 'ahead' } },
    { name: 'changed', warm: 1 },
  ])
})
afterAll(() => place?.close())

/** Prints its number every so often until somebody stops it. */
const counting = (count: number) =>
  `i=1; while [ $i -le ${count} ]; do echo $i; i=$((i+1)); sleep 0.02; done`
const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n + 1))
const warmNames = async () =>
  (await place.left()).containers.filter((name) => name.startsWith('/slipway-warm-'))
const nothingButWarm = async () => {
  const { containers, ...rest } = await place.left()
  return { ...rest, containers: containers.filter((name) => !name.startsWith('/slipway-warm-')) }
}

describe('kill -9 of the server', () => {
  it('with jobs in flight: each goes on in its container, and no line is lost or doubled', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => place.delegate(counting(400))))
    for (const id of ids) {
      await place.until(id, ({ status }) => status === 'running')
      await expect.poll(async () => (await place.lines(id)).length).toBeGreaterThan(3)
    }
    const before = await Promise.all(ids.map((id) => place.get(id)))
    await place.server.kill()
    await place.server.restart()
    for (const [n, id] of ids.entries()) {
      const job = await place.ended(id)
      expect(job).toMatchObject({
        status: 'completed',
        containerId: before[n]?.containerId,
        startedAt: before[n]?.startedAt,
      })
      expect(job.metadata.attempt).toBe(2)
      expect(await place.lines(id)).toEqual(numbers(400))
    }
    await expect.poll(nothingButWarm, { timeout: 20_000 }).toEqual(nothing)
  })

  it('while jobs end and wait: all of them end truthfully', async () => {
    const short = await Promise.all([0, 1, 2, 3].map((n) => place.delegate(`sleep 0.5; exit ${n}`)))
    await place.until(short[0] ?? '', ({ status }) => status === 'running')
    const more = await Promise.all([4, 5].map((n) => place.delegate(`exit ${n}`)))
    await place.server.kill()
    await place.server.restart()
    for (const [n, id] of [...short, ...more].entries()) {
      expect(await place.ended(id)).toMatchObject({ exitCode: n })
    }
    await expect.poll(nothingButWarm, { timeout: 20_000 }).toEqual(nothing)
  })

  it('while it held the container of a job still: the next one lets that go on', async () => {
    const id = await place.delegate(counting(400))
    const { containerId } = await place.until(id, ({ status }) => status === 'running')
    await place.dockerd.ask(`/containers/${containerId}/pause`, 'POST')
    await place.server.kill()
    await place.server.restart()
    expect(await place.ended(id)).toMatchObject({ status: 'completed', containerId })
    expect(await place.lines(id)).toEqual(numbers(400))
  })

  it('and its container removed by somebody: the job is lost, and said to be', async () => {
    const id = await place.delegate('echo up; sleep 300')
    const { containerId } = await place.until(id, ({ status }) => status === 'running')
    await expect.poll(() => place.lines(id)).toEqual(['up'])
    await place.server.kill()
    await place.dockerd.ask(`/containers/${containerId}?force=1`, 'DELETE')
    await place.server.restart()
    expect(await place.ended(id)).toMatchObject({
      status: 'failed',
      exitCode: null,
      metadata: { reason: 'lost' },
    })
    expect((await place.lines(id)).at(-1)).toContain('lost')
    await expect.poll(nothingButWarm, { timeout: 20_000 }).toEqual(nothing)
  })
})

it('a server that stops leaves jobs running, and the next one goes on', async () => {
  const id = await place.delegate(`printf begun; sleep 1; echo ' and ended'; ${counting(100)}`)
  await place.until(id, ({ status }) => status === 'running')
  await place.server.stop()
  expect((await place.left()).containers).toContain(`/slipway-job-${id}`)
  await place.server.restart()
  expect(await place.ended(id)).toMatchObject({ status: 'completed' })
  expect(await place.lines(id)).toEqual(['begun and ended', ...numbers(100)])
})

it('an engine that is killed ends jobs once, with the reason', async () => {
  const ids = await Promise.all([1, 2, 3].map(() => place.delegate(counting(100_000))))
  for (const id of ids) {
    await expect.poll(async () => (await place.lines(id)).length).toBeGreaterThan(10)
  }
  await place.dockerd.kill()
  await expect.poll(async () => (await place.server.request('GET', '/health')).status).toBe(503)
  const late = await place.delegate('echo late')
  await place.until(late, ({ metadata }) => metadata.attempt === 1)
  await place.dockerd.start()
  for (const id of ids) {
    const job = await place.ended(id)
    expect(job).toMatchObject({
      status: 'failed',
      metadata: { reason: 'the container engine was restarted', attempt: 1 },
    })
    const lines = await place.lines(id)
    expect(lines.slice(0, -1)).toEqual(numbers(lines.length - 1))
    expect(lines.at(-1)).toContain('the container engine was restarted')
  }
  // What waited for the engine is done when it is back.
  expect(await place.ended(late)).toMatchObject({ status: 'completed', metadata: { attempt: 1 } })
  expect(await place.lines(late)).toEqual(['late'])
  await expect.poll(nothingButWarm, { timeout: 20_000 }).toEqual(nothing)
})

it('a server that is back before its engine waits for it, and gives up nothing', async () => {
  await place.dockerd.kill()
  const id = await place.delegate('echo late')
  await place.until(id, ({ metadata }) => metadata.attempt === 1)
  await place.server.kill()
  await place.server.restart()
  await place.until(id, ({ metadata }) => metadata.attempt === 2)
  await place.dockerd.start()
  expect(await place.ended(id)).toMatchObject({ status: 'completed', metadata: { attempt: 2 } })
  expect(await place.lines(id)).toEqual(['late'])
})

it('a hundred megabytes of output are kept whole', async () => {
  const id = await place.delegate('yes "$(printf %1000d 7)" | head -n 100000; echo over')
  let job = await place.get(id)
  await expect
    .poll(async () => (job = await place.get(id)).status, { timeout: 100_000, interval: 500 })
    .toBe('completed')
  expect(job.exitCode).toBe(0)
  const answer = await place.server.request('GET', `/api/jobs/${id}/logs?follow=true`)
  let bytes = 0
  let last = ''
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    last = Buffer.from(chunk).toString('latin1').slice(-40)
  }
  const stamp = '2026-01-02T03:04:05.006Z '.length
  expect(bytes).toBe(100_000 * (1_001 + stamp) + 5 + stamp)
  expect(last).toMatch(/Z over\n$/)
})

describe('containers created ahead', () => {
  it('are taken by jobs, told what these need, and replaced', async () => {
    await expect.poll(warmNames).toHaveLength(3)
    const known =
      await place.dockerd.ask<{ Id: string; Labels: Record<string, string> }[]>(
        '/containers/json?all=1',
      )
    const ahead = known.filter(({ Labels }) => Labels['io.slipway.warm'] === 'warm')
    const ids = await Promise.all(
      [1, 2, 3].map((n) => place.delegate(`echo "$MADE $GITHUB_RUN_ID ${n}"`, ['warm'])),
    )
    const used: (string | null)[] = []
    for (const [n, id] of ids.entries()) {
      used.push((await place.ended(id)).containerId)
      expect(await place.lines(id)).toEqual([`ahead 789012 ${n + 1}`])
    }
    expect(ahead.filter(({ Id }) => used.includes(Id))).toHaveLength(2)
    await expect.poll(warmNames).toHaveLength(3)
    await expect.poll(nothingButWarm, { timeout: 20_000 }).toEqual(nothing)
  })

  it('are kept by the next server, but for those whose class has changed', async () => {
    await expect.poll(warmNames).toHaveLength(3)
    const before = await warmNames()
    await place.server.kill()
    await place.configure([
      { name: 'shell', network: 'bridge' },
      { name: 'warm', warm: 2, env: { MADE: 'ahead' } },
      { name: 'changed', warm: 1, env: { NEW: '1' } },
    ])
    await place.server.restart()
    await expect
      .poll(async () => (await warmNames()).filter((name) => before.includes(name)).length)
      .toBe(2)
    await expect.poll(warmNames).toHaveLength(3)
    const id = await place.delegate('echo "$NEW"', ['changed'])
    await place.ended(id)
    expect(await place.lines(id)).toEqual(['1'])
  })

  it('are removed when nobody wants them any more', async () => {
    await place.server.kill()
    await place.configure([{ name: 'shell', network: 'bridge' }])
    await place.server.restart()
    await expect.poll(() => place.left()).toEqual(nothing)
  })
})
