// A repository's page: runs here and at GitHub, what they come to, starting one, comparing two.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { storeJobs, storeRuns } from '../../packages/server/src/monitor/index.ts'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { inTransaction, sampleJob, sampleRun, watchRepository } from '../support/monitor.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let database: TestDatabase
let server: TestServer
let browser: TestBrowser
let window: BrowserWindow
let repository: TestRepository
let watched: number

const minute = 60_000

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url })
  browser = await startBrowser()
  repository = await createRepository(server.repositories, 'acme/shop')

  watched = await watchRepository(database.db, 'acme/shop')
  const began = (n: number) => new Date(Date.now() - (n + 1) * 10 * minute)
  const runs = Array.from({ length: 30 }, (_, n) =>
    sampleRun({
      id: n + 1,
      runNumber: n + 1,
      commitSha: String(Math.floor(n / 2)).padStart(40, '0'),
      commitMessage: n === 0 ? 'إصلاح الدفع' : `Change ${n}`,
      conclusion: n % 10 === 3 ? 'failure' : 'success',
      createdAt: began(n),
      runStartedAt: began(n),
      updatedAt: new Date(began(n).getTime() + (n + 1) * 1000),
    }),
  )
  const jobs = runs.map((run) =>
    sampleJob({
      id: run.id + 1000,
      runId: run.id,
      conclusion: run.conclusion,
      createdAt: run.createdAt,
      startedAt: new Date(run.createdAt.getTime() + 500),
      completedAt: run.updatedAt,
    }),
  )
  await inTransaction(database.db, async (unit) => {
    await storeRuns(unit, { repositoryId: watched, runs })
    await storeJobs(unit, { repositoryId: watched, jobs })
  })
})
afterEach(async () => {
  expect(window.takeComplaints()).toEqual([])
  await window.context.close()
})
afterAll(async () => {
  await browser.close()
  await server.close()
  await database.close()
})

describe('what GitHub ran', { timeout: 120_000 }, () => {
  it('is listed, counted and drawn', async () => {
    window = await browser.open({ theme: 'dark' })
    const { page } = window
    await window.signIn(server.url, server.token, '/repositories/acme/shop?tab=github')
    const table = page.getByRole('table', { name: 'Runs of GitHub Actions' })
    await table.locator('tbody tr').nth(24).waitFor()
    expect(await table.locator('tbody tr').count()).toBe(25)
    await table.getByText('إصلاح الدفع').waitFor()
    await table.locator('[data-status="failed"], [data-status="failure"]').first().waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await table.locator('tbody tr').nth(4).waitFor()

    await page.getByRole('tab', { name: 'Insights' }).click()
    await page.getByText('90 %').first().waitFor()
    const chart = page.getByRole('img', { name: 'Durations of the last 30 runs' })
    await chart.locator('canvas').waitFor()
    // Something is drawn, in the colours of both outcomes.
    const colours = await chart.locator('canvas').evaluate((element) => {
      const canvas = element as HTMLCanvasElement
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      const found = new Set<string>()
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] === 255) found.add(`${data[at]},${data[at + 1]},${data[at + 2]}`)
      }
      return [...found]
    })
    expect(colours).toEqual(expect.arrayContaining(['86,208,138', '255,138,128']))
    await page.getByRole('table', { name: 'Slowest jobs' }).getByText('build').waitFor()
    await page.getByRole('table', { name: 'Workflows' }).getByText('CI/CD Pipeline').waitFor()
    expect(await window.findBarriers()).toEqual([])
    await window.picture('insights')
    await page.getByRole('radio', { name: 'Day' }).check()
    await page.getByText('90 %').first().waitFor()
  })

  it('grows under whoever looks where no stream comes through, too', async () => {
    window = await browser.open()
    const { page } = window
    await page.route('**/v1/events*', (route) => route.abort())
    await window.signIn(server.url, server.token, '/repositories/acme/shop?tab=github')
    const table = page.getByRole('table', { name: 'Runs of GitHub Actions' })
    await table.locator('tbody tr').nth(24).waitFor()
    await page.locator('[data-connection="polling"]').waitFor()
    const run = sampleRun({
      id: 31,
      runNumber: 31,
      commitMessage: 'Meanwhile',
      createdAt: new Date(),
    })
    await inTransaction(database.db, (unit) =>
      storeRuns(unit, { repositoryId: watched, runs: [run] }),
    )
    await table.getByText('Meanwhile').waitFor()
    // The browser calls every try at a stream an error.
    for (const complaint of window.takeComplaints()) expect(complaint).toContain('ERR_FAILED')
  })

  it('is on the overview beside what ran here', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    const row = page.getByRole('row', { name: /acme\/shop/ })
    await row.getByRole('link', { name: /CI\/CD Pipeline/ }).waitFor()
  })
})

describe('what ran here', { timeout: 120_000 }, () => {
  it('is started by a form, and two of them are compared', async () => {
    const echo = (text: string) =>
      repository.commit(oneProject([{ name: 'unit', action: 'run', run: text }]))
    await finishedRun(server, await startRun(server, 'acme/shop', await echo('echo fine')))
    const failing = await echo('echo not fine; exit 4')
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/repositories/acme/shop')
    await page.getByRole('button', { name: 'Start a run' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Commit').fill(failing)
    await dialog.getByRole('button', { name: 'Start', exact: true }).click()
    await page.waitForURL(/\/runs\//)
    await page.getByRole('heading', { level: 1 }).getByText('failed').waitFor()
    await page.getByText('exit 4').waitFor()

    await page.getByRole('link', { name: 'acme/shop' }).first().click()
    const boxes = page.getByRole('checkbox', { name: /^Compare/ })
    await boxes.nth(1).waitFor()
    await boxes.nth(0).check()
    await boxes.nth(1).check()
    await page.getByRole('link', { name: 'Compare the two' }).click()
    const steps = page.getByRole('table', { name: 'Steps' })
    await steps.locator('[data-status="failed"]').waitFor()
    await steps.locator('[data-status="success"]').waitFor()
    await window.picture('compare')
  })

  it('is found by its branch', async () => {
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/repositories/acme/shop')
    await page.getByRole('table', { name: 'Runs' }).locator('tbody tr').first().waitFor()
    await page.getByLabel('Branch').fill('no-such-branch')
    await page.waitForURL(/branch=no-such-branch/)
    await page.getByText('Nothing has run').waitFor()
  })
})
