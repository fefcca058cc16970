import { BuildFrame } from '@slipway/contract/build-socket'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { type BuildSockets, buildRepository, openBuildSocketsOn } from '../support/build-sockets.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { connectSocket, type SocketClient } from '../support/socket-client.ts'

const viewer: Principal = { id: 'viewer', name: 'viewer', roles: ['viewer'], repositories: null }
const principals: Record<string, Principal> = {
  viewer,
  owner: { ...viewer, id: 'owner', repositories: [buildRepository] },
  stranger: { ...viewer, id: 'stranger', repositories: ['acme/other'] },
  worker: { ...viewer, id: 'worker', roles: ['service-account'] },
}

let database: TestDatabase
let sockets: BuildSockets
beforeAll(async () => {
  database = await createTestDatabase()
  sockets = await openBuildSocketsOn(database.url, async (token) => principals[token] ?? null, {
    maxBufferedBytes: 65_536,
    stallMs: 300,
  })
})
afterAll(async () => {
  await sockets.close()
  await database.close()
})

const follow = (id: number, query = '') =>
  connectSocket(sockets.url(id, query), { token: 'viewer' })
const linesOf = ({ messages }: SocketClient) =>
  messages
    .filter(({ type }) => type === 'log')
    .map(({ seq, line }) => `${seq as number} ${line as string}`)
const typesOf = ({ messages }: SocketClient) => messages.map(({ type }) => type)

/** Every frame is one of the contract's. */
async function whole(client: SocketClient): Promise<void> {
  expect(await client.closed).toMatchObject({ code: 1000 })
  for (const message of client.messages) expect(Value.Errors(BuildFrame, message)).toEqual([])
}

describe('a follower', () => {
  it('is told the state and the lines so far, then what follows, and the end', async () => {
    const build = await sockets.create()
    const log = await build.begin()
    await log.note('Starting pipeline execution...')
    const client = await follow(build.id)
    const [status] = [await client.take(({ type }) => type === 'status')]
    expect(status).toMatchObject({ pipeline_run: { id: build.id, status: 'running', attempt: 1 } })
    expect(status['pipeline_run']).not.toHaveProperty('logs')
    await client.take(({ line }) => line === 'Starting pipeline execution...')

    await build.step('clone_repo', 'running')
    await client.take(({ type, status }) => type === 'step' && status === 'running')
    await build.step('clone_repo', 'running', 40)
    expect(await client.take(({ type }) => type === 'step')).toEqual({
      type: 'step',
      key: 'clone_repo',
      status: 'running',
      progress: 40,
    })
    await log.write(Buffer.from('[not a time] one\n\u001b[1mtwo\u001b[0m\n'))
    await client.take(({ line }) => line === '\u001b[1mtwo\u001b[0m')
    await build.step('clone_repo', 'completed', 100)
    await client.take(({ type, status }) => type === 'step' && status === 'completed')
    await log.note('Pipeline completed successfully. Generated 1 output(s).')
    await build.complete()
    await whole(client)

    expect(linesOf(client)).toEqual([
      '1 Pipeline run created. Waiting for execution.',
      '2 Starting pipeline execution...',
      '3 [not a time] one',
      '4 \u001b[1mtwo\u001b[0m',
      '5 Pipeline completed successfully. Generated 1 output(s).',
    ])
    expect(client.messages.slice(-3)).toMatchObject([
      { type: 'output', build_output: { file_size_bytes: 42, checksum_sha256: 'a'.repeat(64) } },
      { type: 'status', pipeline_run: { status: 'completed' } },
      { type: 'end', status: 'completed' },
    ])
    expect(typesOf(client).filter((type) => type === 'output' || type === 'end')).toHaveLength(2)
  })

  it('that comes after the end is told the same, and closed', async () => {
    const build = await sockets.create()
    const log = await build.begin()
    await log.note('one')
    await build.complete()
    const client = await follow(build.id)
    await whole(client)
    expect(typesOf(client)).toEqual(['status', 'log', 'log', 'output', 'status', 'end'])
    expect(client.messages.at(-1)).toEqual({ type: 'end', status: 'completed' })
  })

  it('goes on behind the line that it has', async () => {
    const build = await sockets.create()
    const log = await build.begin()
    for (const line of ['one', 'two', 'three']) await log.note(line)
    const early = await follow(build.id, '?after=0')
    const late = await follow(build.id, '?after=3')
    await log.note('four')
    await build.complete()
    await whole(early)
    await whole(late)
    expect(linesOf(early)).toHaveLength(5)
    expect(linesOf(late)).toEqual(['4 three', '5 four'])
  })

  it('that says it has lines which are not there yet holds up nobody', async () => {
    const build = await sockets.create()
    const log = await build.begin()
    await log.note('one')
    const ahead = await follow(build.id, '?after=3')
    await ahead.take(({ type }) => type === 'status')
    const other = await follow(build.id)
    await other.take(({ line }) => line === 'one')
    for (const line of ['two', 'three']) await log.note(line)
    await other.take(({ line }) => line === 'three')
    await build.complete()
    await whole(ahead)
    await whole(other)
    expect(linesOf(ahead)).toEqual(['4 three'])
    expect(linesOf(other)).toHaveLength(4)
  })

  it('of a build that never began is told that it was cancelled', async () => {
    const build = await sockets.create()
    const client = await follow(build.id)
    await client.take(({ seq }) => seq === 1)
    await build.fail('cancelled', 'Cancelled by viewer')
    await whole(client)
    expect(client.messages.at(-2)).toMatchObject({
      pipeline_run: { status: 'failed', failure_reason: 'cancelled', error: 'Cancelled by viewer' },
    })
    expect(client.messages.at(-1)).toEqual({ type: 'end', status: 'failed' })
  })

  it('waits for a build to begin, and is told of a step that was quicker than a look', async () => {
    const build = await sockets.create()
    const client = await follow(build.id)
    await client.take(({ seq }) => seq === 1)
    const log = await build.begin()
    await client.take(
      ({ pipeline_run: run }) => (run as { status?: string } | undefined)?.status === 'running',
    )
    await log.note('begun')
    await client.take(({ line }) => line === 'begun')
    await build.step('clone_repo', 'completed', 100)
    await build.complete()
    await whole(client)
    const steps = client.messages.filter(({ type }) => type === 'step')
    expect(steps).toEqual([
      { type: 'step', key: 'clone_repo', status: 'running', progress: null },
      { type: 'step', key: 'clone_repo', status: 'completed', progress: 100 },
    ])
  })

  it('goes on with a further attempt, whose steps begin anew', async () => {
    const build = await sockets.create()
    const first = await build.begin()
    await first.note('first attempt')
    await build.step('clone_repo', 'running')
    const client = await follow(build.id)
    await client.take(({ line }) => line === 'first attempt')
    await first.suspend()
    const second = await build.begin()
    const anew = await client.take(
      ({ pipeline_run: run }) => (run as { attempt?: number } | undefined)?.attempt === 2,
    )
    expect(anew).toMatchObject({ pipeline_run: { steps: [{ status: 'pending' }, {}] } })
    await second.note('second attempt')
    await build.complete()
    await whole(client)
    expect(linesOf(client).slice(1)).toEqual(['2 first attempt', '3 second attempt'])
  })

  it('that connects while the build ends misses nothing, and has nothing twice', async () => {
    for (let round = 0; round < 10; round++) {
      const build = await sockets.create()
      const log = await build.begin()
      const expected = ['1 Pipeline run created. Waiting for execution.']
      const write = async () => {
        for (let line = 0; line < 200; line++) {
          expected.push(`${line + 2} line ${line}`)
          await log.write(Buffer.from(`line ${line}\n`))
        }
        await build.complete()
      }
      const [clients] = await Promise.all([
        Promise.all(Array.from({ length: 5 }, () => follow(build.id))),
        write(),
      ])
      for (const client of clients) {
        await whole(client)
        expect(linesOf(client)).toEqual(expected)
        expect(typesOf(client).filter((type) => type === 'end')).toHaveLength(1)
        expect(typesOf(client).filter((type) => type === 'output')).toHaveLength(1)
      }
    }
  })

  it('that never reads is cut, and holds up neither the build nor others', async () => {
    const build = await sockets.create()
    const log = await build.begin()
    const deaf = await follow(build.id)
    await deaf.take(({ seq }) => seq === 1)
    deaf.socket.pause()
    const reader = await follow(build.id)
    // Far more than what the two systems hold for a connection.
    const line = `${'x'.repeat(60_000)}\n`
    for (let count = 0; count < 400; count++) await log.write(Buffer.from(line))
    await log.note('all written')
    await reader.take(({ line: text }) => text === 'all written')
    await expect
      .poll(() => sockets.logged, { timeout: 10_000 })
      .toContain('A client that does not read was dropped')
    deaf.socket.resume()
    expect((await deaf.closed).code).toBe(1006)
    await build.complete()
    await whole(reader)
    expect(linesOf(reader)).toHaveLength(402)
  })

  it('is answered when it pings, and heard in nothing else', async () => {
    const build = await sockets.create()
    const client = await follow(build.id)
    await client.take(({ seq }) => seq === 1)
    client.send('no JSON')
    client.send({ type: 'subscribe', channel: 'pipelines' })
    expect(await client.ask({ type: 'ping' }, 'pong')).toEqual({ type: 'pong' })
    expect(new Set(typesOf(client))).toEqual(new Set(['status', 'log', 'pong']))
    await build.fail('cancelled', 'x')
    await whole(client)
  })
})

describe('whoever asks', () => {
  const refusal = (status: number, error: string, message: string) => ({
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ error, message }),
  })

  it('needs a credential that may read builds', async () => {
    const { id } = await sockets.create()
    const at = sockets.url(id)
    await expect(connectSocket(at)).rejects.toMatchObject(
      refusal(401, 'Authentication failed', 'This needs a bearer token'),
    )
    await expect(connectSocket(at, { token: 'unknown' })).rejects.toMatchObject({ status: 401 })
    await expect(connectSocket(at, { token: 'worker' })).rejects.toMatchObject(
      refusal(403, 'Permission denied', 'This needs the permission builds:read'),
    )
  })

  it('may bring the token as a protocol, which no answer repeats', async () => {
    const { id } = await sockets.create()
    const client = await connectSocket(sockets.url(id), {}, ['slipway', 'slipway.bearer.viewer'])
    await client.take(({ type }) => type === 'status')
    expect(client.socket.protocol).toBe('slipway')
    await expect(
      connectSocket(sockets.url(id), {}, ['slipway', 'slipway.bearer.unknown']),
    ).rejects.toMatchObject({ status: 401 })
  })

  it('finds no build that is hidden or does not exist', async () => {
    const { id } = await sockets.create()
    const hidden = connectSocket(sockets.url(id), { token: 'stranger' })
    await expect(hidden).rejects.toMatchObject(
      refusal(404, 'Resource not found', `There is no pipeline run ${id}`),
    )
    for (const unknown of [2_147_483_647, 9_999_999_999]) {
      await expect(follow(unknown)).rejects.toMatchObject(
        refusal(404, 'Resource not found', `There is no pipeline run ${unknown}`),
      )
    }
    for (const nothing of ['abc', '-1', '1.5', '1/other']) {
      const found = connectSocket(sockets.url(nothing), { token: 'viewer' })
      await expect(found).rejects.toMatchObject({ status: 404 })
    }
    const client = await connectSocket(sockets.url(id), { token: 'owner' })
    await client.take(({ type }) => type === 'status')
  })

  it.each(['x', '-1', '1.5', ''])(
    'must say a line’s number behind ?after=, not %j',
    async (after) => {
      const { id } = await sockets.create()
      await expect(follow(id, `?after=${after}`)).rejects.toMatchObject({
        status: 400,
        body: expect.stringContaining('"error":"Validation error"') as string,
      })
    },
  )
})
