// What somebody may not do is not offered, and refused where it is asked for all the same.
import type { CreatedToken } from '@slipway/contract/access'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow
let run: string
let hidden: string
let build: number
let template: number
let viewer: string

beforeAll(async () => {
  server = await startTestServer({ API_RATE_LIMIT: '100000' })
  browser = await startBrowser()
  const step = { name: 'unit', action: 'run', run: 'echo it works' }
  const files = {
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { test: {} } }),
    '.forge/project.json': JSON.stringify({
      name: 'web',
      phases: { test: { steps: [step] } },
      release: { on: [{ branch: 'main' }] },
      deploy: {
        resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: {} }],
      },
    }),
  }
  const start = async (name: string) => {
    const repository = await createRepository(server.repositories, name)
    return startRun(server, name, await repository.commit(files))
  }
  viewer = (await makeToken({ name: 'a viewer', roles: ['viewer'] })).token
  run = await start('acme/shop')
  hidden = await start('acme/secret')
  const registry = { name: 'Ours', registry_type: 'generic', registry_url: 'registry.example' }
  await server.json('POST', '/api/registries', { body: registry })
  const login = { username: 'ci', password_or_token: 'of-nobody' }
  const credential = { name: 'Login', credential_type: 'git_https', credential_data: login }
  await server.json('POST', '/api/credentials', { body: credential })
  await server.json('POST', '/v1/webhooks', { body: { url: 'https://hooks.example/slipway' } })
  await server.request('PUT', '/v1/secrets/acme/NPM_TOKEN', { body: { value: 'x' } })
  const made = await server.json<{ template: { id: number } }>('POST', '/api/branding/templates', {
    body: { name: 'Globex' },
  })
  template = made.template.id
  const asked = { steps_to_execute: ['clone_repo', 'create_zip'], output_type: 'zip' }
  const begun = await server.json<{ pipeline_run: { id: number } }>('POST', '/api/pipelines/runs', {
    body: asked,
  })
  build = begun.pipeline_run.id
}, 120_000)
afterEach(() => window.context.close())
afterAll(async () => {
  await browser.close()
  await server.close()
})

function makeToken(body: object): Promise<CreatedToken> {
  return server.json<CreatedToken>('POST', '/v1/tokens', { body })
}

/** Every page and part of one, and the buttons and links that each permission brings to it. */
const places: readonly {
  path: () => string
  /** What is to be seen without any permission that changes something. */
  sees?: string
  offers?: Readonly<Record<string, string>>
}[] = [
  { path: () => '/', sees: 'acme/shop' },
  {
    path: () => '/repositories/acme/shop',
    sees: 'main',
    offers: { 'Start a run': 'runs:create' },
  },
  {
    path: () => '/repositories/acme/shop?tab=github',
    offers: { 'Start a workflow': 'pipelines:trigger' },
  },
  { path: () => `/runs/${run}`, sees: 'unit', offers: { 'Run again': 'runs:create' } },
  {
    path: () => '/board',
    sees: '#1',
    offers: { 'Deploy web #1 to staging': 'deployments:create' },
  },
  {
    path: () => '/releases/acme/shop/web',
    sees: '#1',
    offers: { 'Deploy #1 to staging': 'deployments:create' },
  },
  { path: () => '/builds', offers: { 'New build': 'builds:create' } },
  {
    path: () => '/builds?tab=repositories',
    offers: { 'Register repository': 'repositories:manage' },
  },
  {
    path: () => '/builds?tab=registries',
    sees: 'Ours',
    offers: {
      'Add registry': 'registries:manage',
      Test: 'registries:manage',
      Remove: 'registries:manage',
    },
  },
  {
    path: () => '/builds?tab=credentials',
    offers: {
      Credentials: 'credentials:read',
      'Try it': 'credentials:manage',
      Delete: 'credentials:manage',
    },
  },
  { path: () => `/builds/${build}`, offers: { Begin: 'builds:create', Cancel: 'builds:create' } },
  { path: () => '/templates', sees: 'Globex', offers: { 'New template': 'branding:manage' } },
  { path: () => `/templates/${template}`, offers: { Save: 'branding:manage' } },
  {
    path: () => '/jobs?tab=workers',
    offers: { Workers: 'workers:read', Drain: 'workers:manage' },
  },
  { path: () => '/settings', sees: 'Health', offers: { Tokens: 'tokens:manage' } },
  { path: () => '/settings?tab=tokens', offers: { 'New token': 'tokens:manage' } },
  {
    path: () => '/settings?tab=webhooks',
    offers: { Webhooks: 'webhooks:read', 'New webhook': 'webhooks:manage' },
  },
  {
    path: () => '/settings?tab=secrets',
    offers: { Secrets: 'secrets:read', 'New secret': 'secrets:manage', Replace: 'secrets:manage' },
  },
]

/** Of the others, which may do more than viewers, only the pages where that is to be seen. */
const everywhere = new Set<string>(['viewer', 'operator', 'admin', 'service-account'])
const roles = ['viewer', 'developer', 'approver', 'operator', 'admin', 'service-account'] as const

describe.each(roles)('%s', { timeout: 180_000 }, (role) => {
  it('is offered on every page what it may do, and nothing that is refused', async () => {
    await finishedRun(server, run)
    await finishedRun(server, hidden)
    const { token } = await makeToken({ name: `one ${role}`, roles: [role] })
    const permissionsOf = async (bearer: string) =>
      (await server.json<{ permissions: string[] }>('GET', '/v1/session', { token: bearer }))
        .permissions
    const mine = await permissionsOf(token)
    const may = (permission: string) => mine.includes(permission)
    window = await browser.open()
    const { page } = window
    const refused: string[] = []
    page.on('response', (response) => {
      if (response.status() === 403) refused.push(new URL(response.url()).pathname)
    })
    await window.signIn(server.url, token)
    const viewers = await permissionsOf(viewer)
    const isMore = (permission: string) => may(permission) && !viewers.includes(permission)
    const walked = places.filter(
      ({ offers = {} }) => everywhere.has(role) || Object.values(offers).some(isMore),
    )
    for (const { path, sees, offers = {} } of walked) {
      await window.goTo(new URL(path(), server.url).href)
      const main = page.locator('#main')
      await main.getByRole('heading', { level: 1 }).waitFor()
      await main.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
      if (sees !== undefined && role !== 'service-account') {
        await main.getByText(sees).first().waitFor()
      }
      expect(await main.getByText('could not be loaded').count(), path()).toBe(0)
      for (const [name, permission] of Object.entries(offers)) {
        const offer = main
          .getByRole('button', { name, exact: true })
          .or(main.getByRole('link', { name, exact: true }))
          .or(main.getByRole('tab', { name, exact: true }))
        if (!may(permission)) expect(await offer.count(), `${path()}: ${name}`).toBe(0)
        // A program may do things that it is shown no page of.
        else if (role !== 'service-account') await offer.first().waitFor()
      }
      // A program's token sees of each page what programs are shown.
      if (role !== 'service-account') expect(refused, path()).toEqual([])
    }
    await window.goTo(new URL('/builds/new', server.url).href)
    const build = page.getByRole('button', { name: 'Build', exact: true })
    expect(await build.isDisabled()).toBe(!may('builds:create'))
    if (role === 'service-account') {
      const menu = page.getByRole('navigation', { name: 'Places' }).getByRole('link')
      expect(await menu.allTextContents()).toEqual([
        'Overview',
        'Releases',
        'Runners and jobs',
        'Settings',
        'Help',
      ])
      await window.goTo(new URL('/', server.url).href)
      await page.getByText('This is not shown to you.').first().waitFor()
    }
  })
})

describe('a token of one repository', { timeout: 120_000 }, () => {
  it('sees that one, and of the others not that they exist', async () => {
    const { token } = await makeToken({
      name: 'one',
      roles: ['developer'],
      repositories: ['acme/shop'],
    })
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, token)
    await page.getByRole('link', { name: 'acme/shop', exact: true }).first().waitFor()
    for (const path of ['/', '/repositories', '/board', '/activity', '/?search=secret']) {
      await window.goTo(new URL(path, server.url).href)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
      expect(await page.getByText('acme/secret').count(), path).toBe(0)
    }
    await page.keyboard.press('/')
    await page.getByRole('combobox').fill('it works')
    await page.getByRole('option').getByText('acme/shop').first().waitFor()
    expect(await page.getByText('acme/secret').count()).toBe(0)
    for (const path of [
      `/runs/${hidden}`,
      '/repositories/acme/secret',
      '/repositories/acme/secret?tab=github',
      '/repositories/acme/secret?tab=insights',
      '/releases/acme/secret/web',
      `/compare?left=${hidden}&right=${hidden}`,
    ]) {
      await window.goTo(new URL(path, server.url).href)
      await page.getByRole('heading', { name: 'Not found' }).waitFor()
      expect(await page.getByRole('button', { name: /^(Start|Deploy)/ }).count(), path).toBe(0)
    }
    await window.goTo(new URL(`/runs/${run}`, server.url).href)
    await page.getByRole('button', { name: 'Run again' }).waitFor()
  })
})
