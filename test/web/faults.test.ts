// What pages do when its server, its stream or its session goes away under them.
import type { Page, Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
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
    const pushed = await repository.commit({ 'README.md': `At ${Date.now()}\n` })
    const run = await startRun(server, 'acme/shop', pushed)
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
    onTestFinished(() => other.context.close())
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
    const next = await startRun(server, 'acme/shop', pushed)
    for (const [index, tab] of tabs.entries()) {
      await tab.locator('[data-connection="live"]').waitFor()
      await expect
        .poll(() => tab.getByText('could not be loaded').count(), { timeout: 40_000 })
        .toBe(0)
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
  })
})

describe('a part of the page that is not loaded yet', { timeout: 120_000 }, () => {
  const settings = () =>
    window.page
      .getByRole('navigation', { name: 'Places' })
      .getByRole('link', { name: 'Settings', exact: true })

  it('is waited for while the server is away, and the page stays what it is', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    await note('live').waitFor()
    await mark()
    const { port } = new URL(server.url)
    await server.stop()
    // To point at a link loads what it leads to.
    const asked = page.waitForEvent('requestfailed', (of) => /settings-page.*js/.test(of.url()))
    await settings().hover()
    await asked
    await note('polling').waitFor()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await settings().click()
    await page.getByText('No answer from http://127.0.0.1').waitFor()
    expect(await window.findBarriers()).toEqual([])
    await server.restart({ PORT: port })
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    expect(await isTheSamePage()).toBe(true)
  })

  it('is found by loading the page anew, once, where an upgrade has replaced it', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    await mark()
    const loads: string[] = []
    page.on('load', () => loads.push(page.url()))
    await page.route(/settings-page.*js/, (route) => route.fulfill({ status: 404, body: '' }))
    await settings().click()
    await page.getByText('does not have this part of the page any more').waitFor()
    await expect.poll(() => loads).toEqual([new URL('/settings', server.url).href])
    await page.getByText('does not have this part of the page any more').waitFor()
    expect(await isTheSamePage()).toBe(false)
    await page.unroute(/settings-page.*js/)
    await page.getByRole('button', { name: 'Load it again' }).click()
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    expect(loads).toHaveLength(2)
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
      await window.goTo(new URL(path, server.url).href)
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
    await window.goTo(server.url)
    await page.getByRole('main').getByRole('heading', { name: 'This page failed' }).waitFor()
    expect(await window.findBarriers()).toEqual([])
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
    await window.goTo(new URL(`/runs/${run}`, server.url).href)
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
