import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, type TestRepository } from '../git-repository.ts'
import { finishedRun, startRun } from '../runs.ts'
import { startTestServer, type TestServer } from '../server.ts'
import type { DrivenBrowser } from './driven-browser.ts'
import { keys, type Walk, walkIn } from './walk.ts'

/** A step that writes for as long as it may. */
const chatter = 'i=0; while true; do i=$((i+1)); echo "this is line $i"; sleep 0.2; done'

/**
 * What some browsers call an error and the page does not: an answer of the API that says no, and a request
 * that was under way when the page was left.
 */
const expected =
  /server responded with a status of 400|NetworkError when attempting to fetch|access control checks/

/** Milliseconds for a server, a browser and a signing in. */
const startMs = 120_000

/** The same way through the dashboard in every browser: declares the tests of one. */
export function declareWalk(name: string, start: () => Promise<DrivenBrowser>): void {
  describe(`the dashboard in ${name}`, { timeout: 120_000 }, () => {
    let server: TestServer
    let browser: DrivenBrowser
    let walk: Walk
    let repository: TestRepository

    const goto = async (path: string) => {
      await browser.goto(new URL(path, server.url).href)
      await browser.evaluate('globalThis.isTheSamePage = true')
    }
    const commit = (text: string, run: string, releases: boolean) =>
      repository.commit({
        '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { test: {} } }),
        '.forge/project.json': JSON.stringify({
          name: 'web',
          phases: { test: { steps: [{ name: 'unit', action: 'run', run }] } },
          ...(releases ? { release: { on: [{ branch: 'main' }] } } : {}),
          deploy: {
            resources: [
              { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { text } },
            ],
          },
        }),
      })

    beforeAll(async () => {
      server = await startTestServer()
      browser = await start()
      walk = walkIn(browser)
      repository = await createRepository(server.repositories, 'acme/shop')
      await server.json('POST', '/api/repositories', {
        body: { name: 'The shop', repository_url: `file://${repository.directory}` },
      })
      await goto('/')
      await walk.fill(server.token, 'input', 'Token')
      await walk.click('button', 'Sign in')
      await walk.see('h1', 'Overview')
      // That nobody was signed in before is what a browser may call an error.
      await browser.takeComplaints()
    }, startMs)
    afterEach(async () => {
      const complaints = await browser.takeComplaints()
      expect(complaints.filter((one) => !expected.test(one))).toEqual([])
    })
    afterAll(async () => {
      await browser?.close()
      await server?.close()
    })

    it('runs no script that is put into a page, and would be heard complaining', async () => {
      await goto('/')
      const script = `Object.assign(document.createElement('script'), { text: 'ranInPage = true' })`
      await browser.evaluate(`void document.head.append(${script})`)
      await browser.evaluate(`console.error('said by the page')`)
      let heard = ''
      const hear = async () => (heard += (await browser.takeComplaints()).join('\n'))
      await expect.poll(hear).toMatch(/blocked by script-src/)
      await expect.poll(hear).toContain('said by the page')
      expect(await browser.evaluate<string>('typeof ranInPage')).toBe('undefined')
    })

    it('shows a run that is started elsewhere, and follows its log while it is written', async () => {
      await goto('/')
      await walk.see('[data-connection="live"]')
      const id = await startRun(server, 'acme/shop', await commit('first', chatter, false))
      await walk.see('#main a', 'acme/shop')
      await walk.until('globalThis.isTheSamePage')

      await goto(`/runs/${id}`)
      await walk.see('[role=log]', 'this is line 1')
      const line = `Number([...document.querySelectorAll('[role=log] button')].at(-1)?.textContent)`
      const first = await browser.evaluate<number>(line)
      await walk.until(`${line} > ${first} + 2`)
      await walk.until('globalThis.isTheSamePage')
      await walk.picture(`${name}-run`)

      await walk.click('button', 'Cancel')
      await walk.see('h1', 'cancelled')
      await walk.click('[role=log] button')
      const linked = `Number(new URL(location.href).searchParams.get('line'))`
      await walk.until(`${linked} > 0`)
      const clicked = await browser.evaluate<number>(linked)
      const focused = `document.activeElement.getAttribute('aria-label')`
      await walk.until(`${focused} === 'Line ${clicked}'`)
      await walk.press(keys.down)
      await walk.until(`${focused} === 'Line ${clicked + 1}'`)
      await walk.press(keys.enter)
      await walk.until(`${linked} === ${clicked + 1}`)
    })

    it('takes a release to production, with its approval, by clicks', async () => {
      await goto('/')
      const sha = await commit('second', 'echo it works', true)
      await finishedRun(server, await startRun(server, 'acme/shop', sha))
      await walk.see('#main a', 'web #1 → dev')
      await walk.picture(`${name}-overview`)

      await walk.click('nav a', 'Releases')
      await walk.click('button', 'Deploy web #1 to production')
      await walk.see('[role=dialog]', '0 of 1 approval')
      await walk.fill('Looked at it', '[role=dialog] :is(input, textarea)', 'Why it may go there')
      await walk.click('[role=dialog] button', 'Approve')
      await walk.see('[role=dialog]', 'Looked at it')
      await walk.click('[role=dialog] button', 'Deploy to production')
      await walk.notSee('[role=dialog]')
      await walk.see('td[data-title=production] [data-status=active]', '#1')
      await walk.until('globalThis.isTheSamePage')
      await walk.picture(`${name}-board`)
    })

    it('says why a build cannot be begun, and keeps what was typed', async () => {
      await goto('/builds/new')
      await walk.fill('--upload-pack=x', 'input', 'Branch, tag or commit')
      await walk.click('form button', 'Build')
      await walk.see('[role=alert]', 'It was not built')
      await walk.until(`document.querySelector('main input').value === '--upload-pack=x'`)
    })

    it('is dark when it is asked to, and remembers it', async () => {
      await goto('/')
      const light = `getComputedStyle(document.body).backgroundColor`
      await walk.click('button', 'Theme: system')
      await walk.see('button', 'Theme: light')
      const before = await browser.evaluate<string>(light)
      await walk.click('button', 'Theme: light')
      await walk.see('button', 'Theme: dark')
      await walk.until(`${light} !== ${JSON.stringify(before)}`)
      await goto('/board')
      await walk.see('td', '#1')
      expect(await browser.evaluate<string>(light)).not.toBe(before)
      await walk.picture(`${name}-dark`)
    })

    it('goes anywhere by the keyboard', async () => {
      await goto('/board')
      await walk.see('h1', 'Releases')
      await walk.press('/')
      await walk.until(`document.activeElement?.getAttribute('role') === 'combobox'`)
      await walk.press('O', 'v', 'e', 'r', 'v')
      await walk.see('[role=option]', 'Overview')
      await walk.press(keys.enter)
      await walk.see('h1', 'Overview')
      await walk.press('g', 's')
      await walk.see('h1', 'Settings')
      await walk.press('?')
      await walk.see('[role=dialog]', 'Keyboard')
      await walk.press(keys.escape)
      await walk.notSee('[role=dialog]')
      await walk.until('globalThis.isTheSamePage')
    })

    it('comes back by itself when its server is started anew', async () => {
      await goto('/repositories/acme/shop')
      await walk.see('[data-connection="live"]')
      const rows = `document.querySelectorAll('main table tbody tr').length`
      await walk.until(`${rows} > 0`)
      const before = await browser.evaluate<number>(rows)
      const { port } = new URL(server.url)
      await server.stop()
      await walk.see('[data-connection="polling"]')
      await server.restart({ PORT: port })
      await startRun(server, 'acme/shop', await commit('third', 'echo it works', false))
      await walk.see('[data-connection="live"]')
      await walk.until(`${rows} > ${before}`)
      await walk.until('globalThis.isTheSamePage')

      // A page that is not loaded yet is waited for, too.
      await server.stop()
      await walk.click('nav a', 'Builds')
      await walk.see('main h1', 'This page failed')
      await walk.see('main', 'No answer from')
      await server.restart({ PORT: port })
      await walk.see('main h1', 'Builds')
      // What a browser says of a server that is away.
      await browser.takeComplaints()
    })
  })
}
