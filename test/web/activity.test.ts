// What has happened: the Activity page tells it, and the Overview says since when something is red.
import { randomUUID } from 'node:crypto'
import type { Run } from '@slipway/contract/runs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let window: BrowserWindow

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
})
afterEach(() => window.context.close())
afterAll(async () => {
  await browser.close()
  await server.close()
})

/** A repository that no try had before, and what takes a commit on its main branch through a run. */
async function newRepository() {
  const name = `acme/shop-${randomUUID().slice(0, 8)}`
  const repository = await createRepository(server.repositories, name)
  return {
    name,
    async run(script: string, releases = false): Promise<Run> {
      const files = oneProject([{ name: 'unit', action: 'run', run: script }])
      const project = JSON.parse(files['.forge/project.json'] ?? '') as object
      const release = releases ? { release: { on: [{ branch: 'main' }] } } : {}
      files['.forge/project.json'] = JSON.stringify({ ...project, ...release })
      return finishedRun(server, await startRun(server, name, await repository.commit(files)))
    },
  }
}

describe('activity', { timeout: 120_000 }, () => {
  it('tells what was before it was opened, the newest first, and of one family only', async () => {
    const { name, run } = await newRepository()
    await run('echo first')
    await run('exit 3')
    await run('echo third', true)
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, '/activity')
    const feed = page.getByRole('list', { name: 'Events, the newest first' })
    const told = feed.getByRole('listitem').filter({ hasText: name })
    const types = async (pattern: RegExp) =>
      (await told.locator('code').allTextContents()).filter((type) => pattern.test(type))
    const ends = /^pipeline\.run\.(completed|failed)$/
    // What has failed has completed, too.
    await expect
      .poll(() => types(ends))
      .toEqual([
        'pipeline.run.completed',
        'pipeline.run.failed',
        'pipeline.run.completed',
        'pipeline.run.completed',
      ])
    expect(await types(/^release\./)).toEqual(['release.created'])

    const families = page.getByLabel('Events of')
    await families.selectOption('release')
    await expect.poll(() => types(/./)).toEqual(['release.created'])
    await told.getByText('#1').waitFor()
    await families.selectOption('approval')
    await page.getByText('Nothing of this kind has happened yet.').waitFor()
    // What happens then is told where it belongs, and nowhere else.
    await families.selectOption('release')
    await run('echo fourth', true)
    await expect.poll(() => types(/./)).toEqual(['release.created', 'release.created'])
    await told.first().getByText('#2').waitFor()
    await families.selectOption('')
    await expect.poll(async () => (await types(ends)).length).toBe(5)
    expect(window.takeComplaints()).toEqual([])
  })
})

describe('the overview', { timeout: 120_000 }, () => {
  it('says since when a branch is red, and no more once it has succeeded', async () => {
    const { name, run } = await newRepository()
    await run('echo it works')
    const broken = await run('exit 3')
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    const red = page.getByRole('heading', { name: 'Red now' }).locator('xpath=../..')
    const entry = red.getByRole('listitem').filter({ hasText: name })
    const since = entry.getByText(/^for \d+/)
    await since.waitFor()
    expect(await entry.textContent()).toMatch(/main\s*red for \d+ /)
    expect(await since.getAttribute('datetime')).toBe(broken.started_at)

    // It stays red from then, and the link leads to what broke it last.
    const again = await run('exit 4')
    await entry.locator(`a[href="/runs/${again.id}"]`).waitFor()
    expect(await entry.count()).toBe(1)
    expect(await since.getAttribute('datetime')).toBe(broken.started_at)

    await run('echo it works again')
    await entry.waitFor({ state: 'detached' })
    expect(window.takeComplaints()).toEqual([])
  })
})
