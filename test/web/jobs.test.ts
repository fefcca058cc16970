// Jobs of GitHub Actions in containers of ours: their queue, their logs, their end; runners and workers.
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { type DelegationPlace, startDelegationPlace } from '../support/delegations.ts'
import { startWorkingCluster, type WorkingCluster } from '../support/kubernetes/working-cluster.ts'

let place: DelegationPlace
let cluster: WorkingCluster
let browser: TestBrowser
let window: BrowserWindow

beforeAll(async () => {
  place = await startDelegationPlace(
    [
      { name: 'shell' },
      {
        name: 'pods',
        executor: 'kubernetes',
        limits: { memory: '4GiB', cpus: 2 },
        kubernetes: { runAs: '1000' },
      },
    ],
    async (dockerd) => {
      cluster = await startWorkingCluster(dockerd)
      return { KUBECONFIG: cluster.kubeconfig }
    },
  )
  browser = await startBrowser()
}, 120_000)
afterEach(async () => {
  expect(window.takeComplaints()).toEqual([])
  await window.context.close()
})
afterAll(async () => {
  await browser?.close()
  await place?.close()
  await cluster?.close()
}, 120_000)

describe('jobs', { timeout: 180_000 }, () => {
  it('appear by themselves, and show their logs and figures', async () => {
    window = await browser.open()
    const { page } = window
    const { url, token } = place.server
    await window.signIn(url, token, '/jobs')
    await page.getByText('No job has come yet.').waitFor()
    const id = await place.delegate('echo from inside a container')
    const row = page.getByRole('table', { name: 'Jobs' }).locator('tbody tr')
    await row.getByText('completed').waitFor()
    await window.picture('jobs')
    await window.goTo(new URL(`/jobs/${id}`, url).href)
    await page.getByRole('log').getByText('from inside a container').waitFor()
    expect(await window.findBarriers()).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 360, height: 740 })
    expect(await window.findBarriers()).toEqual([])
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(360)
    await window.picture('job')
    await window.goTo(new URL('/jobs?tab=classes', url).href)
    await page.locator('#main').getByText('shell', { exact: true }).first().waitFor()
    const pods = page.getByRole('table', { name: 'Runner classes' }).locator('tbody tr').nth(1)
    await pods.getByText('Kubernetes').waitFor()
    expect(await window.findBarriers()).toEqual([])
    await window.picture('classes-narrow')
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1280, height: 800 })
    await window.picture('classes')
    await window.goTo(new URL('/jobs?tab=workers', url).href)
    await page.getByText('takes jobs').waitFor()
  })

  it('are cancelled where they are looked at, and end on the page', async () => {
    window = await browser.open()
    const { page } = window
    const { url, token } = place.server
    const id = await place.delegate('echo begun; sleep 300')
    await window.signIn(url, token, `/jobs/${id}`)
    const line = page.getByRole('log').getByText('begun', { exact: true })
    await line.waitFor()
    // What is there by now, of a job that goes on.
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download' }).click()
    const download = await downloading
    expect(download.suggestedFilename()).toBe(`job-${id}.log`)
    expect(await readFile(await download.path(), 'utf8')).toMatch(/begun\n$/)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { level: 1 }).getByText('cancelled').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' })
  })
})
