// Lists that grow under whoever looks, long ones, and names as long and as foreign as they get.
import { v7 as uuid } from 'uuid'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { storeRuns } from '../../packages/server/src/monitor/index.ts'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { inTransaction, sampleRun, watchRepository } from '../support/monitor.ts'
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
    await window.goTo(new URL('/repositories/acme/busy?page=400', server.url).href)
    await page.getByText('Page 400').waitFor()
    await table.locator('tbody tr').nth(24).waitFor()
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true)
    expect(window.takeComplaints()).toEqual([])
  })
})

describe('long and foreign names', { timeout: 120_000 }, () => {
  it('fit at 360 pixels, each in its own direction, and are whole under fingers', async () => {
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
    window = await browser.open({ size: { width: 360, height: 740 }, touch: true })
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
      await window.goTo(new URL(path, server.url).href)
      await page.locator('#main').getByText(text).first().waitFor()
      expect(await overflow(), path).toBeLessThanOrEqual(0)
      await page.setViewportSize({ width: 900, height: 740 })
      expect(await page.evaluate<string[]>(withEllipsis), path).toEqual([])
      await page.setViewportSize({ width: 360, height: 740 })
    }
    await window.goTo(new URL('/repositories/acme/rtl', server.url).href)
    const cell = page.getByText(rtl).first()
    expect(await cell.evaluate((element) => getComputedStyle(element).direction)).toBe('rtl')
    await window.picture('narrow-rtl')
    expect(window.takeComplaints()).toEqual([])
  })

  it('break no page, and can be read whole, wherever somebody gives one', async () => {
    const repository = await createRepository(server.repositories, 'acme/names')
    const files = {
      '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { test: {} } }),
      '.forge/project.json': JSON.stringify({
        name: 'web',
        phases: { test: { steps: [{ name: 'unit', action: 'run', run: 'echo it works' }] } },
        release: { on: [{ branch: 'main' }] },
        deploy: {
          resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: {} }],
        },
      }),
    }
    const run = await startRun(server, 'acme/names', await repository.commit(files))
    const post = <T>(path: string, body: object) => server.json<T>('POST', path, { body })
    const login = { username: 'ci', password_or_token: 'of-nobody' }
    await post('/api/credentials', {
      name: 'a',
      credential_type: 'git_https',
      credential_data: login,
    })
    await post('/api/registries', {
      name: 'a',
      registry_type: 'generic',
      registry_url: 'registry.example',
    })
    await post('/api/repositories', { name: 'a', repository_url: 'https://127.0.0.1:1/a.git' })
    await post('/api/configurations', { name: 'a', settings: {} })
    const { template } = await post<{ template: { id: number } }>('/api/branding/templates', {
      name: 'a',
    })
    const { pipeline_run: build } = await post<{ pipeline_run: { id: number } }>(
      '/api/pipelines/runs',
      { steps_to_execute: ['clone_repo', 'create_zip'], output_type: 'zip' },
    )
    await post('/v1/webhooks', { url: 'https://hooks.example/' })
    const job = uuid()
    await database.pool.query(
      `insert into delegations (id, job_ref, github_run_id, repository, source, status, log_key,
                                queued_at, created_by, created_at, completed_at, updated_at)
       values ($1, 'a', '1', 'acme/names', 'api', 'failed', 'none', now(), 'a', now(), now(), now())`,
      [job],
    )
    await database.pool.query(
      `insert into runners (id, name, type, status, last_heartbeat, created_at, updated_at)
       values ($1, 'a', 'dedicated', 'idle', now(), now(), now())`,
      [uuid()],
    )
    const { token } = await post<{ token: string }>('/v1/tokens', { name: 'a', roles: ['admin'] })
    const watched = await watchRepository(database.db, 'acme/names')
    await inTransaction(database.db, (unit) =>
      storeRuns(unit, { repositoryId: watched, runs: [sampleRun({ updatedAt: new Date() })] }),
    )
    await finishedRun(server, run)
    await expect
      .poll(async () => {
        const { rows } = await database.pool.query(
          `select from deployments where status = 'active'`,
        )
        return rows.length
      })
      .toBeGreaterThan(0)
    const columns: Readonly<Record<string, readonly string[]>> = {
      tokens: ['name', 'created_by'],
      runs: ['branch', 'triggered_by', 'message'],
      phases: ['name'],
      tasks: ['project_name', 'error'],
      steps: ['name', 'error'],
      releases: ['project', 'branch', 'created_by', 'triggered_by'],
      release_counters: ['project'],
      deployments: ['project', 'deployed_by', 'reason'],
      credentials: ['name'],
      repositories: ['name', 'repository_url'],
      container_registries: ['name', 'namespace'],
      branding_templates: ['name', 'brand_name'],
      configurations: ['name'],
      builds: ['ref', 'error', 'created_by'],
      webhooks: ['url', 'disabled_reason'],
      delegations: ['job_ref', 'job_name', 'class', 'reason', 'workflow', 'actor'],
      runners: ['name', 'class'],
      workflow_runs: ['workflow_name', 'branch', 'commit_message', 'actor'],
    }
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, token)
    const faults: string[] = []
    for (const name of ['x'.repeat(500), 'مشروع الدفع '.repeat(40).trim()]) {
      for (const [table, names] of Object.entries(columns)) {
        const changes = names.map((column) => `${column} = $1`).join(', ')
        const only =
          table === 'runs' ||
          table === 'release_counters' ||
          table === 'releases' ||
          table === 'deployments'
            ? ` where repository = 'acme/names'`
            : ''
        await database.pool.query(`update ${table} set ${changes}${only}`, [name])
      }
      const paths = [
        '/',
        '/repositories/acme/names',
        '/repositories/acme/names?tab=github',
        '/repositories/acme/names?tab=insights',
        `/runs/${run}`,
        `/compare?left=${run}&right=${run}`,
        '/board',
        `/releases/acme/names/${encodeURIComponent(name)}`,
        '/builds',
        '/builds?tab=repositories',
        '/builds?tab=registries',
        '/builds?tab=credentials',
        '/builds/new',
        `/builds/${build.id}`,
        '/templates',
        `/templates/${template.id}`,
        '/jobs',
        '/jobs?tab=runners',
        `/jobs/${job}`,
        '/activity',
        '/settings?tab=tokens',
        '/settings?tab=webhooks',
      ]
      for (const path of paths) {
        await window.goTo(new URL(path, server.url).href)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
        for (const width of [1280, 360]) {
          await page.setViewportSize({ width, height: 740 })
          const what = `${path.slice(0, 60)} at ${width}, ${name.slice(0, 5)}`
          if ((await overflow()) > 0) faults.push(`${what}: moves sideways`)
          for (const one of await page.evaluate<string[]>(cutOff)) faults.push(`${what}: ${one}`)
        }
      }
      await window.goTo(new URL('/board', server.url).href)
      await page.getByRole('button', { name: /^Deploy .* to staging$/ }).click()
      await page.getByRole('dialog').waitFor()
      for (const one of await page.evaluate<string[]>(cutOff)) faults.push(`a dialog: ${one}`)
      await window.picture(name.startsWith('x') ? 'names-long' : 'names-rtl')
    }
    expect(faults).toEqual([])
    // The API takes no name of that length, and says so where a page asks with one.
    expect(window.takeComplaints().filter((one) => !/40[04]/.test(one))).toEqual([])
  })
})

/** Elements of a page whose text ends in an ellipsis. */
const withEllipsis = `[...document.querySelectorAll('#main *')]
  .filter((one) => getComputedStyle(one).textOverflow === 'ellipsis' &&
    one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.tagName + ' ' + one.className + ' ' + one.textContent.slice(0, 30))`
/** Elements whose text goes beyond them and is cut off, and whoever points there is not told the whole. */
const cutOff = `[...document.querySelectorAll('header *, #main *, [role=dialog] *')]
  .filter((one) => {
    const style = getComputedStyle(one)
    const clips = ['hidden', 'clip'].includes(style.overflowX) && style.clipPath === 'none' &&
      !one.matches('input, select, textarea')
    if (!clips || one.scrollWidth <= one.clientWidth + 1) return false
    one.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))
    return one.closest('[title]') === null
  })
  .map((one) => one.tagName + ' ' + one.className + ' ' + one.textContent.slice(0, 30))`
