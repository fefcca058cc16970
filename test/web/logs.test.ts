// Logs in the browser: as long as they get, and whatever is written into them.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, startRun, stepNamed } from '../support/runs.ts'
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
afterEach(() => window.context.close())
afterAll(async () => {
  await browser.close()
  await server.close()
})

/** A finished run whose only step has run the script; answers the path of its page. */
async function ran(script: string): Promise<string> {
  const steps = [{ name: 'unit', action: 'run', run: script }]
  const id = await startRun(server, 'acme/shop', await repository.commit(oneProject(steps)))
  const run = await finishedRun(server, id)
  return `/runs/${id}?step=${stepNamed(run, 'unit').id}`
}

describe('a log of 100,000 lines', { timeout: 180_000 }, () => {
  it('opens at the line that is linked to, scrolls, is searched, and is downloaded whole', async () => {
    const path = await ran(`seq -f 'line %.0f of many' 1 100000; echo the needle`)
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, `${path}&line=70000`)
    const log = page.getByRole('log')
    await page.getByText('100,001 lines').waitFor()
    await log.locator('[data-linked]').getByText('line 70000 of many').waitFor()
    const rows = () => log.locator('[aria-label^="Line "]').count()
    expect(await rows()).toBeLessThan(120)

    await log.evaluate((element) => {
      element.scrollTop = element.scrollHeight
    })
    await log.getByText('the needle').waitFor()
    expect(await rows()).toBeLessThan(120)
    await log.getByRole('button', { name: 'Line 99999', exact: true }).click()
    await page.waitForURL(/[?&]line=99999/)

    await page.getByLabel('Search in the log').fill('LINE 500 of')
    await page.getByText('1 of 1', { exact: true }).waitFor()
    await log.locator('mark').getByText('line 500 of').waitFor()
    await page.getByLabel('Search in the log').fill('line 1')
    await page.getByText('1 of 10000', { exact: true }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('2 of 10000', { exact: true }).waitFor()
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.press('Shift+Enter')
    await page.getByText('10000 of 10000', { exact: true }).waitFor()
    await page.getByLabel('Search in the log').fill('nowhere in it')
    await page.getByText('not found').waitFor()
    await page.getByRole('button', { name: 'Times' }).click()
    expect(await window.findBarriers()).toEqual([])
    await window.picture('long-log')

    const downloaded = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download' }).click()
    const file = await (await downloaded).path()
    let lines = 0
    let last = ''
    for await (const line of createInterface({ input: createReadStream(file) })) {
      lines++
      last = line
    }
    expect([lines, last]).toEqual([100_001, 'the needle'])
    expect(window.takeComplaints()).toEqual([])
  })
})

describe('what a log may not do', { timeout: 120_000 }, () => {
  it('is run, link or draw anything: it is text in colours', async () => {
    const path = await ran(
      [
        `printf '<script>globalThis.ran = 1</script><img src=x onerror="globalThis.ran = 1">\\n'`,
        `printf '\\033]8;;javascript:globalThis.ran=1\\007a link\\033]8;;\\007\\n'`,
        `printf '\\033[2J\\033[H\\033[31mred\\033[0m\\n'`,
        `printf '\\033]0;another title\\007titled\\n'`,
        `printf '1%%\\r50%%\\r100%%\\n'`,
      ].join('; '),
    )
    window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token, path)
    const log = page.getByRole('log')
    await log.getByText('<img src=x onerror="globalThis.ran = 1">').waitFor()
    await log.getByText('a link', { exact: true }).waitFor()
    await log.getByText('titled', { exact: true }).waitFor()
    await log.getByText('100%', { exact: true }).waitFor()
    const red = log.getByText('red', { exact: true })
    expect(await red.evaluate((element) => getComputedStyle(element).color)).toBe(
      'rgb(255, 138, 128)',
    )
    expect(await log.locator('a, img, script, iframe, b').count()).toBe(0)
    expect(await page.evaluate('globalThis.ran')).toBeUndefined()
    expect(await page.title()).toContain('acme/shop')
    expect(window.takeComplaints()).toEqual([])
  })

  it('is held by a policy that refuses scripts of the page itself', async () => {
    window = await browser.open()
    const { page } = window
    const answer = await window.goTo(new URL('/sign-in', server.url).href)
    const policy = answer?.headers()['content-security-policy'] ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'globalThis.ran = 1'
      document.body.append(script)
      document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="globalThis.ran = 1">')
      document.querySelector('img[src=x]')?.dispatchEvent(new Event('error'))
    })
    expect(await page.evaluate('globalThis.ran')).toBeUndefined()
    expect(window.takeComplaints().join()).toContain('Content Security Policy')
  })
})
