// What a page does when its server, its stream or its session goes away under it.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow
let commit: string

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
  const repository = await createRepository(server.repositories, 'acme/shop')
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

describe('a page whose server is started anew', { timeout: 120_000 }, () => {
  it('comes back by itself, and shows what happened meanwhile', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/repositories/acme/shop')
    await note('live').waitFor()
    const rows = page.getByRole('table', { name: 'Runs' }).locator('tbody tr')
    await rows.first().waitFor()
    const before = await rows.count()
    await mark()
    const { port } = new URL(server.url)
    await server.stop()
    await note('polling').waitFor()
    await server.restart({ PORT: port })
    await startRun(server, 'acme/shop', commit)
    await note('live').waitFor()
    await rows.nth(before).waitFor()
    expect(await page.getByText('This could not be loaded').count()).toBe(0)
    expect(await isTheSamePage()).toBe(true)
  })
})

describe('a session that ends in the middle of a form', { timeout: 120_000 }, () => {
  it('is begun again in place, and nothing that was typed is lost', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/builds/new')
    await page.getByLabel('Branch, tag or commit').fill('feature/long-thought-about')
    await window.context.clearCookies()
    await page.getByRole('button', { name: 'Build', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'You are signed out' })
    await dialog.waitFor()
    expect(await window.findBarriers()).toEqual([])
    await window.picture('signed-out')
    await dialog.getByLabel('Token').fill(server.token)
    await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await note('live').waitFor()
    const typed = page.getByLabel('Branch, tag or commit')
    expect(await typed.inputValue()).toBe('feature/long-thought-about')
    // Also when the page is left and come back to.
    await page.reload()
    await expect.poll(() => typed.inputValue()).toBe('feature/long-thought-about')
  })

  it('is begun again in another window, under a dialog that stays as it is', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/settings?tab=tokens')
    await page.getByRole('button', { name: 'New token' }).click()
    const form = page.getByRole('dialog', { name: 'New token' })
    await form.getByLabel('Name').fill('The one of Zoë')
    await window.context.clearCookies()
    await form.getByRole('button', { name: 'Make it' }).click()
    const signedOut = page.getByRole('dialog', { name: 'You are signed out' })
    await signedOut.waitFor()

    const other = await window.context.newPage()
    await other.goto(new URL('/sign-in', server.url).href)
    await other.getByLabel('Token').fill(server.token)
    await other.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.locator('#main').waitFor()

    await signedOut.waitFor({ state: 'detached' })
    expect(await form.getByLabel('Name').inputValue()).toBe('The one of Zoë')
    await form.getByRole('button', { name: 'Make it' }).click()
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
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Sign in again' }).click()
    await page.getByRole('dialog').getByLabel('Token').waitFor()
    expect(await page.getByLabel('Branch, tag or commit').inputValue()).toBe('kept')
  })
})
