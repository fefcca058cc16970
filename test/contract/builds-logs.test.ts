import type { Build } from '@slipway/contract/builds'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type BuildsApp, createBuildsApp, runsPath } from '../support/builds-app.ts'
import { openStream } from '../support/event-source.ts'

let test: BuildsApp
beforeEach(async () => void (test = await createBuildsApp()))
afterEach(() => test.close())

const lines = [
  '[2024-01-08T10:01:00.000Z] Starting pipeline execution...',
  '[2024-01-08T10:01:01.000Z] Executing step: Clone Git Repository',
  '[2024-01-08T10:01:01.500Z] ✓ Step completed: Clone Git Repository',
]
const first = ({ started_at }: Build) =>
  `[${started_at}] Pipeline run created. Waiting for execution.`
const openLog = (id: number) =>
  test.builds.logs.open(`builds/${id}/logs/build.log`, { secrets: [] })
/** Creates a build whose log holds `lines`. */
async function written(): Promise<Build> {
  const build = await test.create()
  const writer = await openLog(build.id)
  for (const line of lines) await writer.note(line)
  await writer.suspend()
  return build
}
const get = (id: number, query = '', headers: Record<string, string> = {}) =>
  test.request('GET', `${runsPath}/${id}/logs${query}`, { headers })
const textOf = (all: readonly string[]) => all.map((line) => `${line}\n`).join('')

async function follow(id: number, query: string, headers: Record<string, string> = {}) {
  const url = await test.app.listen({ port: 0, host: '127.0.0.1' })
  const stream = await openStream(`${url}${runsPath}/${id}/logs${query}`, {
    authorization: `Bearer ${test.token}`,
    ...headers,
  })
  onTestFinished(() => stream.leave())
  return stream
}

describe('GET /api/pipelines/runs/{id}/logs', () => {
  it('answers plain text as the document shows it', async () => {
    const build = await written()
    const answer = await get(build.id)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.body).toBe(textOf([first(build), ...lines]))
  })

  it('has the first line before there is a log', async () => {
    const build = await test.create()
    expect((await get(build.id)).body).toBe(`${first(build)}\n`)
    expect((await get(build.id, '?after=1')).body).toBe('')
    expect((await get(build.id, '?tail=1')).body).toBe(`${first(build)}\n`)
    expect((await get(build.id, '', { range: 'bytes=0-4' })).body).toBe(first(build).slice(0, 5))
  })

  it('goes on from a line, or shows the last ones', async () => {
    const build = await written()
    const all = [first(build), ...lines]
    for (const after of [0, 1, 2, 4, 9]) {
      expect((await get(build.id, `?after=${after}`)).body).toBe(textOf(all.slice(after)))
    }
    for (const tail of [0, 1, 3, 4, 9]) {
      const wanted = tail === 0 ? [] : all.slice(-tail)
      expect((await get(build.id, `?tail=${tail}`)).body).toBe(textOf(wanted))
    }
    expect((await get(build.id, '?tail=3&after=3')).body).toBe(textOf(all.slice(3)))
  })

  it('answers byte ranges of the whole', async () => {
    const build = await written()
    const whole = Buffer.from(textOf([first(build), ...lines]))
    const begin = Buffer.byteLength(first(build)) + 1
    for (const [start, end] of [
      [0, whole.length - 1],
      [3, 9],
      [begin - 2, begin + 2],
      [begin, begin + 40],
    ] as const) {
      const answer = await get(build.id, '', { range: `bytes=${start}-${end}` })
      expect(answer.statusCode).toBe(206)
      expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${whole.length}`)
      expect(answer.rawPayload.equals(whole.subarray(start, end + 1))).toBe(true)
    }
    const changed = await get(build.id, '', { range: 'bytes=3-9', 'if-range': '"older"' })
    expect([changed.statusCode, changed.body]).toEqual([200, whole.toString()])
    const beyond = await get(build.id, '', { range: `bytes=${whole.length}-` })
    expect([beyond.statusCode, beyond.headers['content-range']]).toEqual([
      416,
      `bytes */${whole.length}`,
    ])
  })

  it('follows a build from before its first attempt to its end', async () => {
    const build = await test.create()
    const stream = await follow(build.id, '?follow=true')
    expect(stream.status).toBe(200)
    await test.execute(build.id)
    const worker = await test.take()
    const { logKey } = await worker.begin()
    const writer = await test.builds.logs.open(logKey, { secrets: [] })
    for (const line of lines) await writer.note(line)
    await expect.poll(() => stream.text()).toBe(textOf([first(build), ...lines]))
    await writer.note('the end')
    await writer.end()
    await worker.complete({ status: 'completed', outputs: [] })
    await writer.seal()
    expect(await stream.ended).toBe(true)
    expect(stream.text()).toBe(textOf([first(build), ...lines, 'the end']))
  })

  it('ends the stream of a build that is cancelled before it began', async () => {
    const build = await test.create()
    const stream = await follow(build.id, '?follow=true&after=1')
    await test.request('POST', `${runsPath}/${build.id}/cancel`)
    expect(await stream.ended).toBe(true)
    expect(stream.text()).toBe('')
    // Nothing is to come of one that has ended.
    expect((await get(build.id, '?follow=true')).body).toBe(`${first(build)}\n`)
  })

  it('speaks Server-Sent Events, and resumes them', async () => {
    const build = await written()
    await test.request('POST', `${runsPath}/${build.id}/cancel`)
    const stream = await follow(build.id, '', { accept: 'text/event-stream' })
    expect(await stream.ended).toBe(true)
    const events = stream.events().filter(({ event }) => event !== 'end')
    // As a socket tells them: the time is apart from the line.
    expect(events.map(({ id, data }) => [id, JSON.parse(data ?? '')])).toEqual(
      [first(build), ...lines].map((text, index) => {
        const [, timestamp, line] = /^\[(\S+)\] (.*)$/.exec(text) ?? []
        return [String(index + 1), { seq: index + 1, timestamp, line }]
      }),
    )
    expect(stream.events().at(-1)?.event).toBe('end')
    const resumed = await resumeAfter(build.id, '3')
    expect(resumed).toEqual([lines[2]?.replace(/^\[\S+\] /, '')])
  })

  it('is 404 for what is not there or not to be seen, and 400 for a query that it does not know', async () => {
    expect((await get(999_999)).statusCode).toBe(404)
    const { id } = await test.create()
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/other'] })
    const hidden = await test.request('GET', `${runsPath}/${id}/logs`, { token })
    expect([hidden.statusCode, hidden.json().error]).toEqual([404, 'Resource not found'])
    const wrong = await get(id, '?after=x')
    expect([wrong.statusCode, wrong.json().error]).toEqual([400, 'Validation error'])
  })
})

async function resumeAfter(id: number, lastEventId: string): Promise<string[]> {
  const answer = await get(id, '', { accept: 'text/event-stream', 'last-event-id': lastEventId })
  return answer.body
    .split('\n')
    .filter((line) => line.startsWith('data: {"seq"'))
    .map((line) => JSON.parse(line.slice(6)).line)
}
