// Lighthouse finds nothing to say about accessibility and best practices, on every page.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createRepository } from '../support/git-repository.ts'
import {
  type FormFactor,
  type Lighthouse,
  startLighthouse,
} from '../support/lighthouse/start-lighthouse.ts'
import { getRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let lighthouse: Lighthouse
let run = ''
let build = 0
let template = 0

beforeAll(async () => {
  server = await startTestServer()
  lighthouse = await startLighthouse()
  const repository = await createRepository(server.repositories, 'acme/shop')
  const commit = await repository.commit({
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { test: {} } }),
    '.forge/project.json': JSON.stringify({
      name: 'web',
      phases: { test: { steps: [{ name: 'unit', action: 'run', run: 'echo it works' }] } },
      release: { on: [{ branch: 'main' }] },
      deploy: {
        resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: {} }],
      },
    }),
  })
  run = await startRun(server, 'acme/shop', commit)
  const { repository: source } = await server.json<{ repository: { id: number } }>(
    'POST',
    '/api/repositories',
    { body: { name: 'The shop', repository_url: `file://${repository.directory}` } },
  )
  const { pipeline_run: made } = await server.json<{ pipeline_run: { id: number } }>(
    'POST',
    '/api/pipelines/runs',
    {
      body: {
        steps_to_execute: ['clone_repo', 'create_zip'],
        output_type: 'zip',
        git_repository_id: source.id,
      },
    },
  )
  build = made.id
  const rules = [{ pattern: 'Acme', replacement: 'Globex', files: ['*.html'] }]
  const { template: branding } = await server.json<{ template: { id: number } }>(
    'POST',
    '/api/branding/templates',
    { body: { name: 'Globex', brand_name: 'Globex', replacement_rules: rules } },
  )
  template = branding.id
})
afterAll(async () => {
  await lighthouse.close()
  await server.close()
})

/** What Lighthouse says about a page that is as good as it can tell. */
const perfect = { scores: { accessibility: 1, 'best-practices': 1 }, faults: [] }
const measure = (path: string, formFactor: FormFactor) =>
  lighthouse.measure(new URL(path, server.url).href, formFactor)

describe('before anybody has signed in', { timeout: 60_000 }, () => {
  it.each(['mobile', 'desktop'] as const)('the page to sign in is perfect, %s', async (form) => {
    expect(await measure('/sign-in', form)).toEqual(perfect)
  })
})

describe('signed in', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await lighthouse.signIn(server.url, server.token)
    await vi.waitFor(async () => expect((await getRun(server, run)).completed_at).not.toBeNull(), {
      timeout: 30_000,
      interval: 100,
    })
  })

  it.each([
    ['the overview', () => '/'],
    ['a run', () => `/runs/${run}`],
    ['the board', () => '/board'],
  ])('%s is perfect, mobile', async (_name, path) => {
    expect(await measure(path(), 'mobile')).toEqual(perfect)
  })

  it.each([
    ['the overview', () => '/'],
    ['repositories', () => '/repositories'],
    ['a repository', () => '/repositories/acme/shop'],
    ['a run', () => `/runs/${run}`],
    ['a comparison', () => `/compare?left=${run}&right=${run}`],
    ['the board', () => '/board'],
    ['a project', () => '/releases/acme/shop/web'],
    ['builds', () => '/builds'],
    ['a new build', () => '/builds/new'],
    ['a build', () => `/builds/${build}`],
    ['templates', () => '/templates'],
    ['a template', () => `/templates/${template}`],
    ['runners and jobs', () => '/jobs'],
    ['activity', () => '/activity'],
    ['settings', () => '/settings'],
    ['what is not there', () => '/repositories/nowhere'],
  ])('%s is perfect, desktop', async (_name, path) => {
    expect(await measure(path(), 'desktop')).toEqual(perfect)
  })
})
