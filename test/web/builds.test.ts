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
    await page.getByRole('button', { name: 'Register repository' }).click()
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
    await window.goTo(new URL('/builds/new', server.url).href)
    expect(await page.getByLabel('Branch, tag or commit').inputValue()).toBe('')
    await window.goTo(new URL('/builds', server.url).href)
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
    const name = `Globex ${Date.now()}`
    await page.getByRole('dialog').getByLabel('Name').fill(name)
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    await page.getByRole('combobox', { name: 'Of' }).selectOption('The shop')
    await page.getByRole('button', { name: 'Add rule' }).click()
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

    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The template is kept.', { exact: true }).first().waitFor()
    await page.reload()
    await expect.poll(() => page.getByLabel('What rule 1 looks for').inputValue()).toBe('Acme')
  })

  it('is changed by two, of whom the second is told', async () => {
    const { template } = await server.json<{ template: { id: number } }>(
      'POST',
      '/api/branding/templates',
      { body: { name: `Initech ${Date.now()}`, brand_name: 'One' }, expect: 201 },
    )
    const path = `/api/branding/templates/${template.id}`
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, `/templates/${template.id}`)
    const brand = page.getByLabel('Brand')
    const notice = page.getByText('Somebody else has changed this template meanwhile.')
    await page.getByRole('button', { name: 'Add rule' }).click()
    await page.getByLabel('What rule 1 looks for').fill('Acme')
    await server.json('PUT', path, { body: { brand_name: 'Two' } })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('It was not kept').waitFor()
    await notice.waitFor()
    expect(window.takeComplaints()).toEqual([expect.stringContaining('409')])
    expect(await page.getByLabel('What rule 1 looks for').inputValue()).toBe('Acme')
    expect(await window.findBarriers()).toEqual([])
    await window.picture('template-changed')
    await page.getByRole('button', { name: 'Show what is kept now' }).click()
    await notice.waitFor({ state: 'detached' })
    await expect.poll(() => brand.inputValue()).toBe('Two')
    await page.getByText('Nothing is replaced.').waitFor()
    await page.getByText('It was not kept').waitFor({ state: 'detached' })

    await brand.fill('Three')
    await server.json('PUT', path, { body: { brand_name: 'Four' } })
    // What is typed is still a change of what was there before.
    await page.reload()
    await page.getByRole('button', { name: 'Go on with mine' }).click()
    expect(await brand.inputValue()).toBe('Three')
    await page.getByRole('button', { name: 'Save' }).click()
    const kept = async () =>
      (await server.json<{ template: { brand_name: string } }>('GET', path)).template
    await expect.poll(kept).toMatchObject({ brand_name: 'Three' })
    expect(await notice.count()).toBe(0)
  })
})

describe('a configuration', { timeout: 120_000 }, () => {
  it('is made, refused at its place, changed by two, archived and deleted', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/templates')
    await page.getByRole('link', { name: 'New configuration' }).click()
    await page.getByRole('heading', { name: 'New configuration', level: 1 }).waitFor()
    const name = `Production ${Date.now()}`
    await page.getByLabel('Name').fill(name)
    const settings = page.getByLabel('Keys and values')
    await settings.fill('{\n  "server.port": 8080,\n  oops\n}')
    await page.getByText(/This is not JSON: .*line 3 column 3/).waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await settings.fill('{"server.port": 8080}')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(/server\.port is no name of an environment variable/).waitFor()
    await page.getByRole('button', { name: 'Add a file' }).click()
    const file = page.getByLabel('File 1', { exact: true })
    await file.fill('../app.yaml')
    expect(await file.getAttribute('aria-invalid')).not.toBe('true')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => file.getAttribute('aria-invalid')).toBe('true')
    for (const complaint of window.takeComplaints()) expect(complaint).toContain('400')
    expect(await window.findBarriers()).toEqual([])
    await window.picture('configuration-refused')
    // Nothing typed is lost.
    await page.reload()
    await expect.poll(() => settings.inputValue()).toBe('{"server.port": 8080}')
    await page.getByLabel('File 1', { exact: true }).fill('config/app.yaml')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    await page.getByText('No build has used it.').waitFor()
    const id = new URL(page.url()).pathname.split('/').at(-1)
    const path = `/api/configurations/${id}`

    // Somebody else changes it while something is typed here.
    await settings.fill('{"server.port": 1}')
    await server.json('PUT', path, { body: { settings: { 'server.port': 2 } } })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Somebody else has changed this configuration meanwhile.').waitFor()
    expect(window.takeComplaints()).toEqual([expect.stringContaining('409')])
    await window.picture('configuration-changed')
    expect(await window.findBarriers()).toEqual([])
    await page.getByRole('button', { name: 'Show what is kept now' }).click()
    await expect
      .poll(async () => JSON.parse(await settings.inputValue()))
      .toEqual({
        'server.port': 2,
      })
    await settings.fill('{"server.port": 3}')
    await server.json('PUT', path, { body: { settings: { 'server.port': 4 } } })
    // What is typed is still a change of what was there before.
    await page.reload()
    await page.getByRole('button', { name: 'Go on with mine' }).click()
    expect(await settings.inputValue()).toBe('{"server.port": 3}')
    await page.getByRole('button', { name: 'Save' }).click()
    const kept = async () =>
      (await server.json<{ configuration: { settings: unknown } }>('GET', path)).configuration
    await expect.poll(kept).toMatchObject({ settings: { 'server.port': 3 } })

    await page.getByRole('button', { name: 'Archive' }).click()
    await page.getByText('new builds cannot use it.').first().waitFor()
    await page.getByRole('button', { name: 'Bring it back' }).click()
    await page.getByRole('button', { name: 'Archive' }).waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('There is no configuration.').waitFor()
  })
})

describe('what waits for somebody', { timeout: 120_000 }, () => {
  it('is what they started that failed, until it is mended', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    await page.getByText('Nothing waits for you.').waitFor()
    const body = {
      repository: 'acme/nowhere',
      branch: 'main',
      commit_sha: 'a'.repeat(40),
      trigger_type: 'manual',
    }
    await server.json('POST', '/v1/runs', { body, expect: 201 })
    await page.getByRole('link', { name: 'Your run of main failed' }).waitFor()
    await window.picture('waiting-for-me')
    expect(await window.findBarriers()).toEqual([])
  })
})
