import { randomUUID } from 'node:crypto'
import {
  ListRunnerClassesResponse,
  ListRunnersResponse,
  RunnerResponse,
} from '@slipway/contract/runners'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startRunnerDuties } from '../../packages/server/src/runners/index.ts'
import { createRunnersApp, runnerClass, type RunnersApp } from '../support/runners-app.ts'
import { keptFor } from '../support/kept-times.ts'

let test: RunnersApp
let names = 0

beforeAll(async () => {
  test = await createRunnersApp()
})
afterAll(() => test.close())

async function list(query = '', app = test, token = app.token): Promise<ListRunnersResponse> {
  const answer = await app.request('GET', `/api/runners${query}`, { token })
  expect(answer.statusCode, answer.body).toBe(200)
  expect(Value.Check(ListRunnersResponse, answer.json())).toBe(true)
  return answer.json()
}
async function beat(name: string, body: object = {}, token = test.serviceToken, app = test) {
  const answer = await app.request('PUT', `/api/runners/${encodeURIComponent(name)}`, {
    body,
    token,
  })
  if (answer.statusCode < 300) expect(Value.Check(RunnerResponse, answer.json())).toBe(true)
  return answer
}
const someName = () => `proxy-${++names}`

describe('PUT /api/runners/:name', () => {
  it('registers a proxy, which is shown as the document does', async () => {
    const labels = ['self-hosted', 'ubuntu-latest']
    const first = await beat('proxy-runner-1', { labels, repository: 'owner/doc' })
    expect(first.statusCode).toBe(201)
    const again = await beat('proxy-runner-1', { repository: 'owner/doc' })
    expect(again.statusCode).toBe(200)
    const { data, pagination } = await list('?repository=owner/doc')
    expect(data).toEqual([
      {
        id: first.json().data.id,
        name: 'proxy-runner-1',
        type: 'proxy',
        status: 'idle',
        labels,
        lastHeartbeat: again.json().data.lastHeartbeat,
        repository: 'owner/doc',
        runnerClass: null,
        jobId: null,
        containerId: null,
        createdAt: first.json().data.createdAt,
      },
    ])
    expect(pagination).toEqual({ page: 1, limit: 1000, total: 1, totalPages: 1 })
    const shown = await test.request('GET', `/api/runners/${first.json().data.id}`)
    expect(shown.json().data).toEqual(data[0])
  })

  it('takes what a proxy says of itself, and any name', async () => {
    const name = `a name/with ${'ü'}`
    for (const status of ['busy', 'stopping', 'offline', 'starting', 'idle']) {
      expect((await beat(name, { status })).json().data).toMatchObject({ name, status })
    }
    const answer = await test.request('PUT', '/api/runners/bare', { token: test.serviceToken })
    expect([answer.statusCode, answer.json().data.status]).toEqual([201, 'idle'])
  })

  it('refuses what it does not know, who may not, and repositories of others', async () => {
    const name = someName()
    const bad = await beat(name, { status: 'asleep', labels: [''], repository: 'x', token: 't' })
    expect(bad.statusCode).toBe(400)
    for (const problem of ['/status', '/labels/0', '/repository', '/token']) {
      expect(bad.json().error).toContain(problem)
    }
    expect((await beat(name, {}, await test.tokenFor(['developer']))).statusCode).toBe(403)
    const limited = await test.tokenFor(['operator'], { repositories: ['owner/mine'] })
    expect((await beat(name, {}, limited)).statusCode).toBe(403)
    expect((await beat(name, { repository: 'owner/other' }, limited)).statusCode).toBe(403)
    expect((await beat(name, { repository: 'owner/mine' }, limited)).statusCode).toBe(201)
  })
})

describe('a proxy', () => {
  it('appears with its first job, is busy with it and idle after it', async () => {
    const runnerName = someName()
    const repository = 'owner/first'
    const of = async () => {
      const { data } = await list(`?type=proxy&repository=${repository}`)
      return data.filter(({ name }) => name === runnerName)
    }
    const [one, two] = [
      await test.delegate({ runnerName, repository }),
      await test.delegate({ runnerName, repository }),
    ]
    expect(await of()).toMatchObject([{ name: runnerName, type: 'proxy', status: 'busy' }])
    await test.report(one, { status: 'completed' })
    expect(await of()).toMatchObject([{ name: runnerName, status: 'busy' }])
    expect((await beat(runnerName, { repository })).json().data.status).toBe('busy')
    await test.request('POST', `/api/jobs/${two}/cancel`)
    expect(await of()).toMatchObject([{ name: runnerName, status: 'idle' }])
  })

  it('is idle after its jobs also where they end at once', async () => {
    const runnerName = someName()
    const repository = 'owner/at-once'
    for (let round = 0; round < 5; round++) {
      const ids: string[] = []
      for (let n = 0; n < 6; n++) ids.push(await test.delegate({ runnerName, repository }))
      const answers = await Promise.all(
        ids.map((id) => test.request('POST', `/api/jobs/${id}/cancel`)),
      )
      expect(answers.map(({ statusCode }) => statusCode)).toEqual(ids.map(() => 200))
      const { data } = await list(`?type=proxy&repository=${repository}`)
      expect(data.filter(({ name }) => name === runnerName)).toMatchObject([{ status: 'idle' }])
    }
  })

  it('that serves any repository is one, and is listed for each of them', async () => {
    const runnerName = someName()
    await beat(runnerName)
    await test.delegate({ runnerName, repository: 'owner/a' })
    await test.delegate({ runnerName, repository: 'owner/b' })
    const { data } = await list('?repository=owner/a&status=busy')
    expect(data.filter(({ name }) => name === runnerName)).toMatchObject([{ repository: null }])
  })

  it('is offline after a missed heartbeat, and back with the next', async () => {
    const app = await createRunnersApp()
    onTestFinished(() => app.close())
    const { id } = (await beat('silent', {}, app.serviceToken, app)).json().data
    await beat('talking', {}, app.serviceToken, app)
    await app.database.pool.query(
      `update runners set last_heartbeat = now() - interval '91 seconds' where id = $1`,
      [id],
    )
    const duties = startRunnerDuties(
      { ...app.runners, holder: randomUUID() },
      { home: 'here', retention: keptFor({ runsMs: 1e9, logsMs: 1e9 }) },
    )
    onTestFinished(() => duties.close())
    await expect
      .poll(async () => (await list('?status=offline', app)).data.map(({ name }) => name))
      .toEqual(['silent'])
    expect((await list('?status=idle', app)).data).toMatchObject([{ name: 'talking' }])
    await beat('silent', {}, app.serviceToken, app)
    expect((await list('?status=offline', app)).data).toEqual([])
  })
})

describe('an ephemeral runner', () => {
  it('is there from the assignment of its job to its end', async () => {
    const app = await createRunnersApp()
    onTestFinished(() => app.close())
    app.start()
    const id = await app.delegate()
    const taken = await app.take()
    const [starting] = (await list('?type=ephemeral', app)).data
    expect(starting).toMatchObject({
      name: expect.stringMatching(/^slipway-ubuntu-/),
      type: 'ephemeral',
      status: 'starting',
      labels: ['ubuntu-latest', 'docker'],
      repository: 'owner/repo',
      runnerClass: 'ubuntu',
      jobId: id,
      containerId: null,
    })
    expect((await app.show(id)).runnerId).toBe(starting?.id)
    await taken.begin()
    await taken.run('c-1')
    expect((await list('?status=busy&type=ephemeral', app)).data).toMatchObject([
      { id: starting?.id, containerId: 'c-1' },
    ])
    const deleted = await app.request('DELETE', `/api/runners/${starting?.id}`)
    expect(deleted.statusCode).toBe(409)
    await taken.complete()
    expect((await list('?type=ephemeral', app)).data).toEqual([])
  })
})

describe('DELETE /api/runners/:id', () => {
  it('takes a runner out of the list, and out of GitHub’s', async () => {
    const removed: unknown[] = []
    const app = await createRunnersApp({
      removeGithubRunner: async (runner) => void removed.push(runner),
    })
    onTestFinished(() => app.close())
    const { id } = (await beat('gone', { repository: 'owner/repo' }, app.serviceToken, app)).json()
      .data
    const answer = await app.request('DELETE', `/api/runners/${id}`)
    expect([answer.statusCode, answer.json().data]).toEqual([200, { id }])
    expect((await app.request('DELETE', `/api/runners/${id}`)).statusCode).toBe(404)
    expect(removed).toEqual([])
    const dedicated = randomUUID()
    await app.database.pool.query(
      `insert into runners (id, name, type, status, repository, github_id, last_heartbeat, created_at, updated_at)
       values ($1, 'theirs', 'dedicated', 'idle', 'owner/repo', 23, now(), now(), now())`,
      [dedicated],
    )
    expect((await list('?type=dedicated', app)).data).toMatchObject([{ name: 'theirs' }])
    expect((await app.request('DELETE', `/api/runners/${dedicated}`)).statusCode).toBe(200)
    expect(removed).toEqual([{ repository: 'owner/repo', githubId: 23 }])
    const token = await app.tokenFor(['developer'])
    expect((await app.request('DELETE', `/api/runners/${id}`, { token })).statusCode).toBe(403)
  })
})

describe('GET /api/runners', () => {
  it('shows a token limited to repositories theirs alone', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['owner/secret'] })
    const other = (await beat(someName(), { repository: 'owner/other' })).json().data
    const any = (await beat(someName())).json().data
    const mine = (await beat(someName(), { repository: 'owner/secret' })).json().data
    const page = await list('', test, token)
    expect(page.data.map(({ id }) => id)).toEqual([mine.id])
    expect(page.pagination.total).toBe(1)
    for (const { id } of [other, any]) {
      expect((await test.request('GET', `/api/runners/${id}`, { token })).statusCode).toBe(404)
    }
    const hidden = await test.request('GET', '/api/runners?repository=owner/other', { token })
    expect(hidden.statusCode).toBe(403)
  })

  it.each([
    ['type=fast', '/type must be one of proxy, ephemeral, dedicated'],
    ['status=sleeping', '/status must be one of idle, busy, offline, starting, stopping'],
    ['repository=owner', '/repository'],
    ['limit=1001', '/limit'],
    ['colour=red', '/colour'],
  ])('refuses ?%s', async (query, problem) => {
    const answer = await test.request('GET', `/api/runners?${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toContain(problem)
  })

  it('goes by pages where that is asked for', async () => {
    const page = await list('?limit=2&page=2')
    const all = await list()
    expect(page.data).toEqual(all.data.slice(2, 4))
    expect(page.pagination).toMatchObject({ page: 2, limit: 2, total: all.data.length })
  })
})

describe('GET /api/runners/classes', () => {
  it('shows what is configured, and how many jobs each class has', async () => {
    const app = await createRunnersApp({
      classes: [
        runnerClass({ maxRunners: 1, env: { PATH_OF: 'the machine' }, mounts: ['/srv/work'] }),
        runnerClass({ name: 'gpu', labels: ['gpu'], command: null, repositories: ['acme/*'] }),
      ],
    })
    onTestFinished(() => app.close())
    app.start()
    await app.delegate()
    await app.delegate()
    await app.take()
    const answer = await app.request('GET', '/api/runners/classes')
    expect(Value.Check(ListRunnerClassesResponse, answer.json())).toBe(true)
    expect(answer.json().data).toEqual([
      {
        name: 'ubuntu',
        labels: ['ubuntu-latest', 'docker'],
        executor: 'docker',
        image: 'runner:1',
        hasCommand: true,
        limits: { memoryBytes: null, cpus: null, pids: 100, diskBytes: null, timeoutMs: 60_000 },
        network: 'none',
        maxRunners: 1,
        maxPerRepository: null,
        warm: 0,
        repositories: null,
        active: 1,
        queued: 1,
      },
      expect.objectContaining({
        name: 'gpu',
        hasCommand: false,
        repositories: ['acme/*'],
        active: 0,
        queued: 0,
      }),
    ])
    expect(answer.body).not.toContain('the machine')
    expect(answer.body).not.toContain('/srv/work')
    const token = await app.tokenFor(['viewer'], { repositories: ['other/repo'] })
    const limited = await app.request('GET', '/api/runners/classes', { token })
    expect(limited.json().data).toMatchObject([{ name: 'ubuntu', active: 0, queued: 0 }])
  })
})
