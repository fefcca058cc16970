// What pages do when its server, its stream or its session goes away under them.
import type { Page, Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow
let commit: string
let repository: TestRepository

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
  repository = await createRepository(server.repositories, 'acme/shop')
  commit = await repository.commit(
    oneProject([{ name: 'unit', action: 'run', run: 'echo it works' }]),
  )
})
afterEach(() => window.context.close())
afterAll(async () => {
  await browser.close()
  await server.close()
})

const note = (state: string) => window.page.locator(`[data-connection="${state}"]`)

/** Left in the page: gone if it is ever loaded again. */
const mark = () => window.page.evaluate('globalThis.isTheSamePage = true')
const isTheSamePage = () => window.page.evaluate<boolean>('globalThis.isTheSamePage === true')

describe('a page whose stream is blocked', { timeout: 120_000 }, () => {
  it('says so, and asks every few seconds instead', async () => {
    window = await browser.open()
    await window.page.route('**/v1/events*', (route) => route.abort())
    await window.signIn(server.url, server.token)
    await window.page.getByText('Nothing has run yet.').waitFor()
    await note('polling').getByText('Polling').waitFor()
    await mark()
    await startRun(server, 'acme/shop', commit)
    await window.page.getByRole('link', { name: 'acme/shop', exact: true }).waitFor()
    expect(await isTheSamePage()).toBe(true)
    await window.page.unroute('**/v1/events*')
    await note('live').waitFor()
  })
})

describe('a server that is started anew', { timeout: 180_000 }, () => {
  it('is found again by every page that is open, which then shows what happened meanwhile', async () => {
    const run = await startRun(server, 'acme/shop', commit)
    await finishedRun(server, run)
    const kinds = [
      '/',
      '/repositories/acme/shop',
      `/runs/${run}`,
      '/board',
      '/builds',
      '/builds/new',
      '/templates',
      '/jobs?tab=workers',
      '/activity',
      '/settings',
    ]
    // Two windows, since a browser has six connections to a server for all the tabs of one.
    window = await browser.open()
    const other = await browser.open()
    const tabs: Page[] = []
    for (const [index, path] of kinds.entries()) {
      const { page, context, signIn } = index % 2 === 0 ? window : other
      if (index < 2) await signIn(server.url, server.token, path)
      const tab = index < 2 ? page : await context.newPage()
      if (index >= 2) await tab.goto(new URL(path, server.url).href)
      await tab.getByRole('heading', { level: 1 }).waitFor()
      await tab.locator('[data-connection="live"]').waitFor()
      await tab.evaluate('globalThis.isTheSamePage = true')
      tabs.push(tab)
    }
    const [overview, runs, , , , form] = tabs
    const rows = runs?.getByRole('table', { name: 'Runs' }).locator('tbody tr')
    const before = (await rows?.count()) ?? 0
    await form?.getByLabel('Branch, tag or commit').fill('typed before')
    const { port } = new URL(server.url)
    await server.stop()
    await Promise.all(tabs.map((tab) => tab.locator('[data-connection="polling"]').waitFor()))
    await server.restart({ PORT: port })
    const next = await startRun(server, 'acme/shop', commit)
    for (const [index, tab] of tabs.entries()) {
      await tab.locator('[data-connection="live"]').waitFor()
      await tab.getByText('could not be loaded').waitFor({ state: 'detached' })
      expect(await tab.evaluate('globalThis.isTheSamePage'), kinds[index]).toBe(true)
      expect(await tab.getByRole('heading', { level: 1 }).count(), kinds[index]).toBe(1)
    }
    await rows?.nth(before).waitFor()
    expect(await form?.getByLabel('Branch, tag or commit').inputValue()).toBe('typed before')
    await finishedRun(server, next)
    await overview
      ?.getByRole('link', { name: /success/ })
      .first()
      .waitFor()
    await other.context.close()
  })
})

describe('a page that waits for its server', { timeout: 120_000 }, () => {
  it('has a heading meanwhile, and says what went wrong', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    const things = [
      [`/runs/${'0'.repeat(8)}-0000-7000-8000-000000000000`, '**/v1/runs/*', 'Run'],
      ['/builds/1', '**/api/pipelines/runs/1', 'Build #1'],
      ['/templates/1', '**/api/branding/templates/1', 'Template'],
      [`/jobs/${'0'.repeat(8)}-0000-7000-8000-000000000000`, '**/api/jobs/*', 'Job'],
    ] as const
    for (const [path, call, heading] of things) {
      let release = () => {}
      const held = new Promise<void>((resolve) => (release = resolve))
      await page.route(call, async (route) => {
        await held
        const error = { code: 'conflict', message: 'It is not to be had.' }
        await route.fulfill({ status: 409, json: { error } })
      })
      await page.goto(new URL(path, server.url).href)
      await page.getByRole('status', { name: 'Loading' }).first().waitFor()
      const title = page.getByRole('heading', { level: 1 })
      expect(await title.allTextContents(), path).toEqual([heading])
      expect(await window.findBarriers(), path).toEqual([])
      release()
      await page.getByText('could not be loaded').waitFor()
      expect(await title.count(), path).toBe(1)
      await page.unroute(call)
    }
    await page.route('**/v1/session', (route) => route.fulfill({ status: 500, body: '{}' }))
    await page.goto(server.url)
    await page.getByRole('main').getByRole('heading', { name: 'This page failed' }).waitFor()
    expect(await window.findBarriers()).toEqual([])
  })
})

/** Every dialog and form that is typed into; what is typed stays, but for secrets. */
const forms: readonly {
  path: string
  opens?: string
  sends: string
  typed: Readonly<Record<string, string>>
  secrets?: Readonly<Record<string, string>>
}[] = [
  {
    path: '/repositories/acme/shop',
    opens: 'Start a run',
    sends: 'Start',
    typed: { Branch: 'release/1', Commit: 'abcdef0123' },
  },
  {
    path: '/repositories/acme/shop?tab=github',
    opens: 'Start a workflow',
    sends: 'Start',
    typed: { Workflow: 'ci.yml', Branch: 'next', Inputs: 'level=debug' },
  },
  {
    path: '/builds?tab=repositories',
    opens: 'Register repository',
    sends: 'Register',
    typed: { Name: 'The shop', Address: 'https://git.example/shop.git' },
  },
  {
    path: '/builds?tab=registries',
    opens: 'Add registry',
    sends: 'Add',
    typed: { Name: 'Ours', Address: 'registry.example', 'Before an image’s name': 'acme' },
  },
  {
    path: '/builds?tab=credentials',
    opens: 'Add credential',
    sends: 'Add',
    typed: { Name: 'Login of the shop' },
    secrets: { username: 'ci', 'password or token': 'hunter2' },
  },
  {
    path: '/settings?tab=tokens',
    opens: 'New token',
    sends: 'Create',
    typed: { Name: 'For Zoë', Repositories: 'acme/shop' },
  },
  {
    path: '/settings?tab=webhooks',
    opens: 'New webhook',
    sends: 'Create',
    typed: { Address: 'https://hooks.example/1', Events: 'release.*' },
  },
  {
    path: '/settings?tab=secrets',
    opens: 'New secret',
    sends: 'Save',
    typed: { For: 'acme/shop', Name: 'NPM_TOKEN' },
    secrets: { Value: 'hunter2' },
  },
  { path: '/templates', opens: 'New template', sends: 'Create', typed: { Name: 'Globex' } },
  {
    path: '/templates/configurations/new',
    sends: 'Save',
    typed: { Name: 'Ours', Description: 'For the shop', 'Keys and values': '{"KEY": "value"}' },
  },
  {
    path: '/builds/new',
    sends: 'Build',
    typed: { 'Branch, tag or commit': 'feature/long-thought-about' },
  },
]

describe('what is typed', { timeout: 180_000 }, () => {
  it('outlasts a reload and the session in every form, but for secrets', async () => {
    window = await browser.open()
    const { page, context } = window
    await window.signIn(server.url, server.token)
    for (const { path, opens, sends, typed, secrets = {} } of forms) {
      const form = opens === undefined ? page.locator('#main') : page.getByRole('dialog').first()
      const openForm = async () => {
        if (opens === undefined) return
        await page.getByRole('button', { name: opens, exact: true }).click()
      }
      const valuesOf = async (labels: object) => {
        const values: Record<string, string> = {}
        for (const label of Object.keys(labels)) {
          values[label] = await form.getByLabel(label, { exact: true }).inputValue()
        }
        return values
      }
      const fill = async (values: Readonly<Record<string, string>>) => {
        for (const [label, value] of Object.entries(values)) {
          await form.getByLabel(label, { exact: true }).fill(value)
        }
      }
      await page.goto(new URL(path, server.url).href)
      await openForm()
      await fill(typed)
      await fill(secrets)
      await page.reload()
      await openForm()
      await form.getByLabel(Object.keys(typed)[0] ?? '', { exact: true }).waitFor()
      expect(await valuesOf(typed), path).toEqual(typed)
      for (const value of Object.values(await valuesOf(secrets))) expect(value, path).toBe('')
      const stored = await page.evaluate<string>('JSON.stringify({ ...sessionStorage })')
      expect(stored, path).not.toContain('hunter2')

      await fill(secrets)
      const cookies = await context.cookies()
      await context.clearCookies()
      await form.getByRole('button', { name: sends, exact: true }).click()
      const signedOut = page.getByRole('dialog', { name: 'You are signed out' })
      await signedOut.waitFor()
      await context.addCookies(cookies)
      await signedOut.getByLabel('Token').fill(server.token)
      await signedOut.getByRole('button', { name: 'Sign in', exact: true }).click()
      await signedOut.waitFor({ state: 'detached' })
      expect(await valuesOf({ ...typed, ...secrets }), path).toEqual({ ...typed, ...secrets })
    }
  })
})

describe('the windows of one browser', { timeout: 120_000 }, () => {
  it('are signed out together, forget what was typed, and change their theme together', async () => {
    window = await browser.open()
    const { page, context } = window
    await window.signIn(server.url, server.token)
    const other = await context.newPage()
    await other.goto(new URL('/builds/new', server.url).href)
    await other.getByLabel('Branch, tag or commit').fill('only for whoever typed it')
    const theme = () => other.evaluate<string>('String(document.documentElement.dataset.theme)')
    await page.getByRole('button', { name: 'Theme: system' }).click()
    await expect.poll(theme).toBe('light')
    await page.getByRole('button', { name: 'Theme: light' }).click()
    await expect.poll(theme).toBe('dark')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/\/sign-in/)
    await other.waitForURL(/\/sign-in/)
    expect(await other.evaluate<string>('JSON.stringify({ ...sessionStorage })')).not.toContain(
      'whoever',
    )
  })

  it('hold one stream each, and none that nobody looks at', async () => {
    const held = oneProject([{ name: 'unit', action: 'run', run: 'echo begun; sleep 300' }])
    const run = await startRun(server, 'acme/shop', await repository.commit(held))
    window = await browser.open()
    const { page } = window
    const open = new Set<string>()
    page.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (request.headers()['accept'] === 'text/event-stream')
        open.add(`${pathname} ${at(request)}`)
    })
    const numbers = new Map<Request, number>()
    const at = (request: Request) => {
      if (!numbers.has(request)) numbers.set(request, numbers.size)
      return numbers.get(request)
    }
    const closed = (request: Request) =>
      open.delete(`${new URL(request.url()).pathname} ${at(request)}`)
    page.on('requestfailed', closed)
    page.on('requestfinished', closed)
    const streams = () => [...open].map((one) => one.split(' ')[0]?.replace(/[0-9a-f-]{36}/, 'id'))
    await window.signIn(server.url, server.token)
    await note('live').waitFor()
    for (const place of ['Activity', 'Runners and jobs', 'Settings', 'Releases', 'Activity']) {
      const menu = page.getByRole('navigation', { name: 'Places' })
      await menu.getByRole('link', { name: place, exact: true }).click()
      await page.getByRole('heading', { level: 1, name: place, exact: true }).waitFor()
    }
    await expect.poll(streams).toEqual(['/v1/events'])
    await page.goto(new URL(`/runs/${run}`, server.url).href)
    await page.getByRole('log').getByText('begun').waitFor()
    await expect.poll(streams).toEqual(expect.arrayContaining(['/v1/events', '/v1/steps/id/logs']))
    const look = (hidden: boolean) =>
      page.evaluate(`
        Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} })
        document.dispatchEvent(new Event('visibilitychange'))`)
    await look(true)
    await expect.poll(streams, { timeout: 20_000 }).toEqual([])
    await server.request('DELETE', `/v1/runs/${run}`)
    await look(false)
    await page.getByRole('heading', { level: 1 }).getByText('cancelled').waitFor()
    await expect.poll(streams).toEqual(['/v1/events'])
    const menu = page.getByRole('navigation', { name: 'Places' })
    await menu.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(streams()).toEqual(['/v1/events'])
  })
})

describe('a session that ends in the middle of a form', { timeout: 120_000 }, () => {
  it('is begun again in another window, under a dialog that stays as it is', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/settings?tab=tokens')
    await page.getByRole('button', { name: 'New token' }).click()
    const form = page.getByRole('dialog', { name: 'New token' })
    await form.getByLabel('Name').fill('The one of Zoë')
    await window.context.clearCookies()
    await form.getByRole('button', { name: 'Create' }).click()
    const signedOut = page.getByRole('dialog', { name: 'You are signed out' })
    await signedOut.waitFor()

    const other = await window.context.newPage()
    await other.goto(new URL('/sign-in', server.url).href)
    await other.getByLabel('Token').fill(server.token)
    await other.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.locator('#main').waitFor()

    await signedOut.waitFor({ state: 'detached' })
    expect(await form.getByLabel('Name').inputValue()).toBe('The one of Zoë')
    await form.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('table', { name: 'Tokens' }).getByText('The one of Zoë').waitFor()
  })

  it('can be put off, and is then asked for on the page', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/builds/new')
    await page.getByLabel('Branch, tag or commit').fill('kept')
    await window.context.clearCookies()
    await page.getByRole('button', { name: 'Build', exact: true }).click()
    await page.getByRole('dialog', { name: 'You are signed out' }).waitFor()
    expect(await window.findBarriers()).toEqual([])
    await window.picture('signed-out')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Sign in again' }).click()
    await page.getByRole('dialog').getByLabel('Token').waitFor()
    expect(await page.getByLabel('Branch, tag or commit').inputValue()).toBe('kept')
  })
})
