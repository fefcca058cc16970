// From a push to production and back, by clicks, in a browser that is never reloaded.
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let repository: TestRepository
let window: BrowserWindow

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
  repository = await createRepository(server.repositories, 'acme/shop')
})
afterEach(async () => {
  expect(window.takeComplaints()).toEqual([])
  await window.context.close()
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

/** A project whose every commit on main is released and deployed to dev. */
function commit(text: string): Promise<string> {
  return repository.commit({
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { test: {} } }),
    '.forge/project.json': JSON.stringify({
      name: 'web',
      phases: { test: { steps: [{ name: 'unit', action: 'run', run: `echo ${text}` }] } },
      release: { on: [{ branch: 'main' }] },
      deploy: {
        resources: [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: 'web' },
            data: { text },
          },
        ],
      },
    }),
  })
}

describe('the dashboard', { timeout: 120_000 }, () => {
  it('takes a commit to production, with its approval given in place, and goes back', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/')
    await page.getByText('Nothing has run yet.').waitFor()

    // Pushed elsewhere: it appears by itself.
    const run = await startRun(server, 'acme/shop', await commit('first'))
    await page.getByRole('link', { name: 'acme/shop', exact: true }).waitFor()
    await finishedRun(server, run)
    await page.getByRole('link', { name: 'web #1 → dev' }).waitFor()
    await window.picture('overview')

    await page.getByRole('link', { name: 'Releases', exact: true }).click()
    await page.getByRole('button', { name: 'Deploy web #1 to production' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('0 of 1 approval').waitFor()
    await dialog.getByRole('button', { name: '1 more to approve' }).waitFor()
    const why = dialog.getByLabel('Why it may go there')
    await why.fill('Looked at it on dev')
    await dialog.getByRole('button', { name: 'Not now' }).click()
    await page.getByRole('button', { name: 'Deploy web #1 to production' }).click()
    await why.waitFor()
    expect(await why.inputValue()).toBe('Looked at it on dev')
    await dialog.getByRole('button', { name: 'Approve', exact: true }).click()
    await dialog.getByText('Looked at it on dev').waitFor()
    await dialog.getByText('text: first').first().waitFor()
    await window.picture('deploy')
    await dialog.getByRole('button', { name: 'Deploy to production' }).click()
    await dialog.waitFor({ state: 'detached' })
    const cell = page.locator('td[data-title="production"]')
    await cell.locator('[data-status="active"]').getByText('#1').waitFor()
    await window.picture('board')

    await finishedRun(server, await startRun(server, 'acme/shop', await commit('second')))
    await page.getByRole('button', { name: 'Deploy web #2 to staging' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Deploy to staging' }).click()
    await page.locator('td[data-title="staging"] [data-status="active"]').getByText('#2').waitFor()

    await page.getByRole('link', { name: 'web', exact: true }).click()
    await page.getByRole('button', { name: 'Deploy #1 to staging' }).click()
    await page.getByText('This goes back to an older release').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Deploy to staging' }).click()
    await page.getByText('#1 (back to it)').waitFor()
    await window.picture('project')
  })

  it('fills a run as it goes, and follows its log', async () => {
    window = await browser.open()
    const { page } = window
    const sha = await repository.commit({
      '.forge/project.json': JSON.stringify({
        name: 'web',
        phases: {
          test: {
            steps: [
              {
                name: 'unit',
                action: 'run',
                run: `printf '\\033[31mred\\033[0m <b>not bold</b>\\n'; until [ -e go ]; do sleep 0.1; done; echo the end`,
              },
            ],
          },
        },
      }),
    })
    const id = await startRun(server, 'acme/shop', sha)
    await window.signIn(server.url, server.token, `/runs/${id}`)
    const log = page.getByRole('log')
    await log.getByText('<b>not bold</b>').waitFor()
    expect(await log.locator('b').count()).toBe(0)
    await window.picture('run')
    // What is there by now, of a step that goes on.
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download' }).click()
    const download = await downloading
    expect(download.suggestedFilename()).toMatch(/^step-.*\.log$/)
    expect(await readFile(await download.path(), 'utf8')).toMatch(/<b>not bold<\/b>\n$/)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('The run is cancelled.', { exact: true }).first().waitFor()
    await page.getByRole('heading', { level: 1 }).getByText('cancelled').waitFor()
    await page.getByRole('button', { name: 'Run again' }).click()
    await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(id))
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('The run is cancelled.', { exact: true }).first().waitFor()
  })
})
