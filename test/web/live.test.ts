// Lists that grow under whoever looks, long ones, and names as long and as foreign as they get.
import { v7 as uuid } from 'uuid'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let database: TestDatabase
let server: TestServer
let browser: TestBrowser
let window: BrowserWindow

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url })
  browser = await startBrowser()
})
afterEach(() => window.context.close())
afterAll(async () => {
  await browser.close()
  await server.close()
  await database.close()
})

const commit = '0123456789abcdef0123456789abcdef01234567'

/** Runs that have ended, one a second, written past the API. */
async function insertRuns(repository: string, branch: string, by: string, count: number) {
  await database.pool.query(
    `insert into run_ordinals (repository, branch, last) values ($1, '', $3), ($1, $2, $3)`,
    [repository, branch, count],
  )
  await database.pool.query(
    `insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                       repository_ordinal, branch_ordinal, started_at, completed_at)
     select gen_random_uuid(), $1, $2, $5, 'success', 'push', $3, n, n,
            now() - make_interval(secs => $4 - n), now() - make_interval(secs => $4 - n)
       from generate_series(1, $4::integer) as n`,
    [repository, branch, by, count, commit],
  )
}

/** Whether the page can be moved sideways. */
const overflow = () =>
  window.page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )

describe('two windows', { timeout: 120_000 }, () => {
  it('show the same without being loaded again', async () => {
    const repository = await createRepository(server.repositories, 'acme/shop')
    const held = oneProject([{ name: 'unit', action: 'run', run: 'echo begun; sleep 300' }])
    const id = await startRun(server, 'acme/shop', await repository.commit(held))
    window = await browser.open()
    const other = await browser.open()
    await window.signIn(server.url, server.token, `/runs/${id}`)
    await other.signIn(server.url, server.token, '/')
    await window.page.getByRole('log').getByText('begun').waitFor()
    await other.page.getByRole('table').getByText('running').waitFor()
    await window.page.getByRole('button', { name: 'Cancel' }).click()
    await other.page.getByRole('table').getByText('cancelled').waitFor()
    const red = other.page.getByRole('heading', { name: 'Red now' }).locator('xpath=../..')
    await red.getByText('Nothing is red.').waitFor()
    const failing = oneProject([{ name: 'unit', action: 'run', run: 'exit 3' }])
    await finishedRun(server, await startRun(server, 'acme/shop', await repository.commit(failing)))
    await red.getByRole('link', { name: 'acme/shop' }).waitFor()
    expect(window.takeComplaints()).toEqual([])
    expect(other.takeComplaints()).toEqual([])
    await other.context.close()
  })
})

describe('ten thousand runs', { timeout: 120_000 }, () => {
  it('are pages of 25', async () => {
    await insertRuns('acme/busy', 'main', 'alice', 10_000)
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/repositories/acme/busy')
    const table = page.getByRole('table', { name: 'Runs' })
    await table.locator('tbody tr').nth(24).waitFor()
    expect(await table.locator('tbody tr').count()).toBe(25)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.waitForURL(/page=2/)
    await page.goto(new URL('/repositories/acme/busy?page=400', server.url).href)
    await page.getByText('Page 400').waitFor()
    await table.locator('tbody tr').nth(24).waitFor()
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true)
    expect(window.takeComplaints()).toEqual([])
  })
})

describe('long and foreign names', { timeout: 120_000 }, () => {
  it('fit at 360 pixels, each in its own direction', async () => {
    const owner = 'o'.repeat(39)
    const repository = `${owner}/${'n'.repeat(100)}`
    const branch = `feature/${'b'.repeat(247)}`
    const rtl = 'إصلاح/الدفع'
    await insertRuns(repository, branch, 'x'.repeat(500), 3)
    await insertRuns('acme/rtl', rtl, 'דנה לוי', 3)
    const id = uuid()
    await database.pool.query(
      `insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                         repository_ordinal, branch_ordinal, started_at, completed_at, message)
       values ($1, $2, $3, $4, 'failed', 'push', $5, 4, 4, now(), now(), $6)`,
      [id, repository, branch, commit, 'x'.repeat(500), 'why'.repeat(160)],
    )
    window = await browser.open({ size: { width: 360, height: 740 } })
    const { page } = window
    await window.signIn(server.url, server.token)
    const paths = [
      ['/', repository],
      [`/repositories/${repository}`, branch],
      [`/runs/${id}`, branch],
      ['/repositories/acme/rtl', rtl],
      ['/activity', 'Activity'],
    ] as const
    for (const [path, text] of paths) {
      await page.goto(new URL(path, server.url).href)
      await page.locator('#main').getByText(text).first().waitFor()
      expect(await overflow(), path).toBeLessThanOrEqual(0)
    }
    await page.goto(new URL('/repositories/acme/rtl', server.url).href)
    const cell = page.getByText(rtl).first()
    expect(await cell.evaluate((element) => getComputedStyle(element).direction)).toBe('rtl')
    await window.picture('narrow-rtl')
    expect(window.takeComplaints()).toEqual([])
  })
})
