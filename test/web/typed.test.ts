// What is typed outlasts a reload, and a session that ends under it.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
  const repository = await createRepository(server.repositories, 'acme/shop')
  const commit = await repository.commit(
    oneProject([{ name: 'unit', action: 'run', run: 'echo it works' }]),
  )
  await startRun(server, 'acme/shop', commit)
})
afterEach(() => window.context.close())
afterAll(async () => {
  await browser.close()
  await server.close()
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
      await window.goTo(new URL(path, server.url).href)
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
