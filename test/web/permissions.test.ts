// What somebody may not do is not offered, and refused where it is asked for all the same.
import type { CreatedToken } from '@slipway/contract/access'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow
let run: string
let hidden: string

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
  const files = oneProject([{ name: 'unit', action: 'run', run: 'echo it works' }])
  const start = async (name: string) => {
    const repository = await createRepository(server.repositories, name)
    const id = await startRun(server, name, await repository.commit(files))
    return id
  }
  run = await start('acme/shop')
  hidden = await start('acme/secret')
})
afterEach(() => window.context.close())
afterAll(async () => {
  await browser.close()
  await server.close()
})

function makeToken(body: object): Promise<CreatedToken> {
  return server.json<CreatedToken>('POST', '/v1/tokens', { body })
}

describe('a viewer', { timeout: 120_000 }, () => {
  it('reads everything, and is offered nothing that changes it', async () => {
    await finishedRun(server, run)
    const { token } = await makeToken({ name: 'looks', roles: ['viewer'] })
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, token)
    const places: readonly (readonly [path: string, sign: string])[] = [
      ['/', 'acme/shop'],
      ['/repositories/acme/shop', 'Commit'],
      ['/repositories/acme/shop?tab=github', 'are not watched'],
      [`/runs/${run}`, 'it works'],
      ['/board', 'Releases'],
      ['/builds', 'Builds'],
      ['/templates', 'Branding'],
      ['/jobs', 'Runners and jobs'],
      ['/settings', 'Health'],
    ]
    const forbidden =
      /^(Start|Run again|Cancel|New|Add|Register|Make|Deploy|Delete|Revoke|Remove|Turn|Test$|Approve)/
    for (const [path, sign] of places) {
      await page.goto(new URL(path, server.url).href)
      await page.locator('#main').getByText(sign).first().waitFor()
      expect(await page.getByRole('button', { name: forbidden }).allTextContents(), path).toEqual(
        [],
      )
      expect(await page.getByRole('link', { name: forbidden }).allTextContents(), path).toEqual([])
    }
    expect(await page.getByRole('tab', { name: 'Tokens' }).count()).toBe(0)

    // Whoever knows the address all the same is shown no form that could not be sent.
    await page.goto(new URL('/settings?tab=tokens', server.url).href)
    await page.getByRole('tab', { name: 'Health', selected: true }).waitFor()
    await page.goto(new URL('/builds/new', server.url).href)
    expect(await page.getByRole('button', { name: 'Build', exact: true }).isDisabled()).toBe(true)
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
    await page.getByRole('link', { name: 'acme/shop', exact: true }).waitFor()
    expect(await page.getByText('acme/secret').count()).toBe(0)
    await page.goto(new URL(`/runs/${hidden}`, server.url).href)
    await page.getByRole('heading', { name: 'Not found' }).waitFor()
    await page.goto(new URL(`/runs/${run}`, server.url).href)
    await page.getByRole('button', { name: 'Run again' }).waitFor()
  })
})
