// From a repository that nobody knows to a package that is downloaded, by the guided form; and templates.
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository } from '../support/git-repository.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow
let source: string

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
  const repository = await createRepository(server.repositories, 'acme/shop')
  await repository.commit({ 'index.html': '<title>Acme</title>\n', 'README.md': 'About Acme\n' })
  source = `file://${repository.directory}`
})
afterEach(async () => {
  expect(window.takeComplaints()).toEqual([])
  await window.context.close()
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

describe('a build', { timeout: 180_000 }, () => {
  it('is asked for step by step, watched, and downloaded', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/builds?tab=repositories')
    await page.getByRole('button', { name: 'Register one' }).click()
    const dialog = page.getByRole('dialog', { name: 'Register a repository' })
    await dialog.getByLabel('Name').fill('The shop')
    await dialog.getByLabel('Address').fill(source)
    await dialog.getByRole('button', { name: 'Register', exact: true }).click()
    await page
      .getByRole('row', { name: /The shop/ })
      .getByText('can be read')
      .waitFor()

    await page.getByRole('link', { name: 'New build' }).click()
    await page.getByLabel('Repository', { exact: true }).selectOption('The shop')
    await page.getByLabel('Branch, tag or commit').fill('main')
    // What needs another step takes it along, and its fields with it.
    await page.getByRole('checkbox', { name: /Push to Registry/ }).check()
    expect(await page.getByRole('checkbox', { name: /Build Docker Image/ }).isChecked()).toBe(true)
    await page.getByRole('combobox', { name: 'Registry' }).waitFor()
    await page.getByRole('checkbox', { name: /Build Docker Image/ }).uncheck()
    await page.getByRole('combobox', { name: 'Registry' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Build', exact: true }).click()

    await page.waitForURL(/\/builds\/\d+$/)
    await page.getByRole('heading', { level: 1 }).getByText('completed').waitFor()
    await page.getByRole('log').locator('[aria-label="Line 1"]').waitFor()
    expect(await window.findBarriers()).toEqual([])
    await window.picture('build')
    const downloaded = page.waitForEvent('download')
    await page
      .getByRole('table', { name: 'Outputs' })
      .getByRole('link', { name: 'Download' })
      .click()
    const file = await readFile(await (await downloaded).path())
    expect(file.subarray(0, 2).toString()).toBe('PK')
    expect(file.includes('index.html')).toBe(true)

    // What was chosen is forgotten once it is built.
    await page.goto(new URL('/builds/new', server.url).href)
    expect(await page.getByLabel('Branch, tag or commit').inputValue()).toBe('')
    await page.goto(new URL('/builds', server.url).href)
    await page.getByRole('table', { name: 'Builds' }).getByText('The shop').waitFor()
  })

  it('that cannot be begun says why, and keeps what was chosen', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/builds/new')
    await page.getByLabel('Branch, tag or commit').fill('--upload-pack=x')
    await page.getByRole('button', { name: 'Build', exact: true }).click()
    await page.getByText('It was not built').waitFor()
    expect(await page.getByLabel('Branch, tag or commit').inputValue()).toBe('--upload-pack=x')
    expect(window.takeComplaints()).toEqual([expect.stringContaining('400')])
  })
})

describe('a branding template', { timeout: 120_000 }, () => {
  it('shows what its rules would change while they are typed', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/templates')
    await page.getByRole('button', { name: 'New template' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('Globex')
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('heading', { name: 'Globex', level: 1 }).waitFor()
    await page.getByRole('combobox', { name: 'Of' }).selectOption('The shop')
    await page.getByRole('button', { name: 'Add one' }).first().click()
    await page.getByLabel('What rule 1 looks for').fill('Acme')
    await page.getByLabel('What rule 1 puts there').fill('Globex')
    await page.getByText('+<title>Globex</title>').waitFor()
    await page.getByText('+About Globex').waitFor()
    // One letter after another, with the space between two patterns.
    await page.getByLabel('Files of rule 1').pressSequentially('*.html *.txt')
    expect(await page.getByLabel('Files of rule 1').inputValue()).toBe('*.html *.txt')
    await page.getByText('+About Globex').waitFor({ state: 'detached' })
    await page.getByText('+<title>Globex</title>').waitFor()
    expect(await window.findBarriers()).toEqual([])
    await window.picture('template')

    // Changed elsewhere meanwhile: what is typed here stays.
    const id = new URL(page.url()).pathname.split('/').at(-1)
    await server.json('PUT', `/api/branding/templates/${id}`, { body: { brand_name: 'Elsewhere' } })
    await page.evaluate('dispatchEvent(new Event("visibilitychange"))')
    expect(await page.getByLabel('What rule 1 puts there').inputValue()).toBe('Globex')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText('The template is kept.', { exact: true }).first().waitFor()
    await page.reload()
    await expect.poll(() => page.getByLabel('What rule 1 looks for').inputValue()).toBe('Acme')
  })
})
