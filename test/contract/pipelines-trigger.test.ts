import {
  type TriggerPipelineResponse,
  TriggerPipelineResponse as ResponseSchema,
} from '@slipway/contract/pipelines'
import Value from 'typebox/value'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { WorkflowDispatcher } from '../../packages/server/src/monitor/index.ts'
import { GitHubError } from '../../packages/server/src/ports/github.ts'
import type { Workflow } from '../../packages/server/src/ports/github-actions.ts'
import { sampleRun, watchRepository } from '../support/monitor.ts'
import { createPipelinesApp, type PipelinesApp } from '../support/pipelines-app.ts'

const path = '/api/v2/pipelines/trigger'
const example = {
  repository: 'owner/repo-name',
  workflow: 'CI/CD Pipeline',
  branch: 'develop',
  inputs: { debug: 'true' },
}
const workflow = (id: number, name: string, file: string): Workflow => ({
  id,
  name,
  path: `.github/workflows/${file}`,
  state: 'active',
})

let test: PipelinesApp
let dispatched: { repository: string; dispatch: unknown }[] = []
let listed: Workflow[] = []
let lists = 0
let failure: Error | null = null
let answered: { runId: number; url: string } | null = null

const dispatcher: WorkflowDispatcher = {
  async listWorkflows() {
    lists += 1
    if (failure !== null) throw failure
    return listed
  },
  async dispatchWorkflow(repository, dispatch) {
    dispatched.push({ repository, dispatch })
    if (failure !== null) throw failure
    return answered
  },
}

beforeAll(async () => {
  test = await createPipelinesApp({ dispatcher })
  const repo = await watchRepository(test.database.db, 'owner/repo-name')
  await test.storeRuns(repo, [sampleRun({ workflowId: 42 })])
})
afterAll(() => test.close())
beforeEach(() => {
  dispatched = []
  listed = [workflow(42, 'CI/CD Pipeline', 'ci.yml')]
  lists = 0
  failure = null
  answered = { runId: 30433642, url: 'https://github.com/owner/repo-name/actions/runs/30433642' }
})

const trigger = (body: unknown, token?: string | null) =>
  test.request('POST', path, { body, ...(token === undefined ? {} : { token }) })

describe('POST /api/v2/pipelines/trigger', () => {
  it('answers as the document shows, and says the run', async () => {
    const answer = await trigger(example)
    expect(answer.statusCode, answer.body).toBe(200)
    const body = answer.json<TriggerPipelineResponse>()
    expect(Value.Check(ResponseSchema, body)).toBe(true)
    expect(body).toEqual({
      success: true,
      repository: 'owner/repo-name',
      workflow: 'CI/CD Pipeline',
      branch: 'develop',
      message: 'Pipeline triggered successfully',
      timestamp: expect.any(String),
      runId: 30433642,
      runUrl: 'https://github.com/owner/repo-name/actions/runs/30433642',
    })
    expect(dispatched).toEqual([
      {
        repository: 'owner/repo-name',
        dispatch: { workflowId: 42, ref: 'develop', inputs: { debug: 'true' } },
      },
    ])
  })

  it('starts the workflow that has the name by now, and none where several have it', async () => {
    listed = [workflow(42, 'CI, the old one', 'ci.yml'), workflow(43, 'CI/CD Pipeline', 'new.yml')]
    expect((await trigger(example)).statusCode).toBe(200)
    expect(dispatched[0]?.dispatch).toMatchObject({ workflowId: 43 })
    listed = [workflow(42, 'CI/CD Pipeline', 'ci.yml'), workflow(43, 'CI/CD Pipeline', 'new.yml')]
    expect((await trigger(example)).statusCode).toBe(400)
    expect(dispatched).toHaveLength(1)
  })

  it('goes to main unless told, without inputs, and may not know the run', async () => {
    answered = null
    const { repository, workflow: name } = example
    const answer = await trigger({ repository, workflow: name })
    expect(answer.json()).toMatchObject({ branch: 'main', runId: null, runUrl: null })
    expect(dispatched[0]?.dispatch).toEqual({ workflowId: 42, ref: 'main', inputs: {} })
  })

  it('sends numbers and booleans as text', async () => {
    await trigger({ ...example, inputs: { count: 3, ratio: 0.5, debug: false, name: 'x' } })
    expect(dispatched[0]?.dispatch).toMatchObject({
      inputs: { count: '3', ratio: '0.5', debug: 'false', name: 'x' },
    })
  })

  it.each(['ci.yml', '.github/workflows/ci.yml', '42'])(
    'knows the workflow as %s',
    async (name) => {
      const answer = await trigger({ ...example, workflow: name })
      expect(answer.json<TriggerPipelineResponse>().workflow).toBe(name)
      expect(dispatched[0]?.dispatch).toMatchObject({ workflowId: 42 })
      // What is stored answers which workflow this is.
      expect(lists).toBe(0)
    },
  )

  it('asks GitHub for what is not stored', async () => {
    listed = [workflow(50, 'Brand new', 'new.yml')]
    await trigger({ ...example, workflow: 'Brand new' })
    expect(dispatched[0]?.dispatch).toMatchObject({ workflowId: 50 })
    await trigger({ ...example, repository: 'acme/unwatched', workflow: 'new.yml' })
    expect(dispatched[1]).toMatchObject({ repository: 'acme/unwatched' })
  })

  it('names the candidates of a name that several share', async () => {
    listed = [workflow(60, 'Release', 'release.yml'), workflow(61, 'Release', 'docs.yml')]
    const answer = await trigger({ ...example, workflow: 'Release' })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({
      error: 'Bad Request',
      details:
        'owner/repo-name has several workflows called Release: name the file or the id of one of .github/workflows/release.yml (60), .github/workflows/docs.yml (61)',
    })
    expect(dispatched).toEqual([])
  })

  it('answers 404 for a workflow that is not there', async () => {
    const answer = await trigger({ ...example, workflow: 'Nothing' })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toEqual({
      error: 'Not Found',
      details: 'owner/repo-name has no workflow Nothing',
    })
  })

  it.each([
    ['missing', 404, 'Not Found', /no such workflow in owner\/repo-name/],
    ['invalid', 400, 'Bad Request', /No ref found for: develop/],
    ['refused', 503, 'Service Unavailable', /needs the permission "Actions: write"/],
    [
      'away',
      503,
      'Service Unavailable',
      /cannot be reached.*whether the workflow started is not known/,
    ],
    ['limited', 503, 'Service Unavailable', /takes no more requests/],
  ] as const)('answers what GitHub says is %s with %d', async (reason, status, error, details) => {
    const wait = reason === 'limited' ? 90_000 : null
    failure = new GitHubError(reason, 'No ref found for: develop', wait)
    const answer = await trigger({ ...example, workflow: 'ci.yml' })
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toEqual({ error, details: expect.stringMatching(details) })
    const waits = { limited: '90', away: '60' } as Record<string, string>
    expect(answer.headers['retry-after']).toBe(waits[reason])
    // Once, whatever came of it.
    expect(dispatched).toHaveLength(1)
  })

  it('answers the same where the list of workflows cannot be had', async () => {
    failure = new GitHubError('missing', 'Not Found')
    const answer = await trigger({ ...example, repository: 'acme/hidden' })
    expect(answer.statusCode).toBe(404)
    failure = new GitHubError('away', 'no answer')
    const away = await trigger({ ...example, repository: 'acme/hidden' })
    expect(away.statusCode).toBe(503)
    expect(away.json()).toEqual({
      error: 'Service Unavailable',
      details: 'GitHub cannot be reached, or does not answer; nothing was started',
    })
    expect(dispatched).toEqual([])
  })

  it.each([
    [{}, '/repository is missing'],
    [{ repository: 'owner/repo-name' }, '/workflow is missing'],
    [{ ...example, repository: 'repo-name' }, '/repository'],
    [{ ...example, workflow: '' }, '/workflow'],
    [{ ...example, branch: '' }, '/branch'],
    [{ ...example, branch: 'a..b' }, 'The branch a..b is not valid'],
    [{ ...example, inputs: { list: [] } }, '/inputs/list'],
    [{ ...example, inputs: 'debug' }, '/inputs'],
    [
      { ...example, inputs: Object.fromEntries(Array.from({ length: 26 }, (_, n) => [n, 'x'])) },
      '/inputs',
    ],
    [{ ...example, ref: 'main' }, '/ref is not known here'],
    [[], 'body'],
  ])('refuses %j with 400', async (body, named) => {
    const answer = await trigger(body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({
      error: 'Bad Request',
      details: expect.stringContaining(named),
    })
    expect(dispatched).toEqual([])
  })

  it('takes 25 inputs', async () => {
    const inputs = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`i${n}`, 'x']))
    expect((await trigger({ ...example, inputs })).statusCode).toBe(200)
  })

  it('needs the permission pipelines:trigger, for this repository', async () => {
    expect((await trigger(example, null)).statusCode).toBe(401)
    const viewer = await trigger(example, await test.tokenFor(['viewer']))
    expect(viewer.statusCode).toBe(403)
    expect(viewer.json<{ details: string }>().details).toContain('pipelines:trigger')
    const limited = { repositories: ['acme/other'] }
    const other = await trigger(example, await test.tokenFor(['developer'], limited))
    expect(other.statusCode).toBe(403)
    expect(dispatched).toEqual([])
    expect((await trigger(example, await test.tokenFor(['developer']))).statusCode).toBe(200)
  })

  it('is in the audit log', async () => {
    await trigger(example)
    const audit = await test.request('GET', '/v1/audit?limit=1')
    expect(audit.json()).toMatchObject({
      entries: [{ action: 'POST /api/v2/pipelines/trigger', outcome: 200 }],
    })
  })

  it('says what is missing where the server has nothing to ask GitHub with', async () => {
    const bare = await createPipelinesApp()
    try {
      const answer = await bare.request('POST', path, { body: example })
      expect(answer.statusCode).toBe(503)
      expect(answer.json<{ details: string }>().details).toContain('GITHUB_TOKEN')
    } finally {
      await bare.close()
    }
  })
})
