// The manual: built from docs/, served by a real server, read in a real browser.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildSite, type BuiltSite } from '../../scripts/docs/build-site.ts'
import { readNavigation } from '../../scripts/docs/navigation.ts'
import { type BrowserWindow, startBrowser, type TestBrowser } from '../support/browser.ts'
import { repositoryRoot } from '../support/markdown.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const help = join(repositoryRoot, 'packages/server/dist/help')
let built: BuiltSite
let server: TestServer
let browser: TestBrowser

beforeAll(async () => {
  built = await buildSite({ root: repositoryRoot, out: help })
  ;[server, browser] = await Promise.all([startTestServer(), startBrowser()])
}, 120_000)
afterAll(async () => {
  await browser.close()
  await server.close()
})

const at = (path: string) => new URL(`/help/${path}`, server.url).href

describe('the site', () => {
  it('is built from every page, without a link that leads nowhere', async () => {
    expect(built.problems).toEqual([])
    expect(built.pages).toBeGreaterThan(60)
    const sections = readNavigation(await readFile(join(repositoryRoot, 'docs/README.md'), 'utf8'))
    expect(sections.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['Start', 'Operate', 'Reference']),
    )
    for (const { path } of sections.flatMap(({ pages }) => pages)) {
      const file = path.replace(/^docs\//, '').replace(/README\.md$/, 'index.md')
      const html = await readFile(join(help, file.replace(/\.md$/, '.html')), 'utf8')
      expect(html, path).toMatch(/<h1 id="[^"]+">/)
      // Everything is the site's own: no script, style or picture of anybody else, and none within the page.
      expect(html, path).not.toMatch(/(?:src|<link[^>]*href)="(?:https?:)?\/\//)
      expect(html, path).not.toMatch(/<script>|\son\w+="|\sstyle="/)
    }
  })

  it('names what is wrong with a page: links, anchors, pages that are in no list', async () => {
    const root = await temporaryDirectory()
    await mkdir(join(root, 'docs'), { recursive: true })
    for (const folder of ['packages/web/src/ui', 'packages/web/public']) {
      await cp(join(repositoryRoot, folder), join(root, folder), { recursive: true })
    }
    await writeFile(join(root, 'docs/README.md'), '# All\n\n## Start\n\n- [One](one.md): first\n')
    await writeFile(
      join(root, 'docs/one.md'),
      '# One\n\n[a](none.md) [b](two.md#nowhere) [c](two.md#here-it-is) [d](../../outside.md) <b>bold</b>\n',
    )
    await writeFile(join(root, 'docs/two.md'), '# Two\n\n## `Here` it *is*\n')
    const out = await temporaryDirectory()
    const { problems } = await buildSite({ root, out })
    expect(problems.toSorted()).toEqual([
      'docs/README.md does not list docs/two.md',
      'docs/one.md: no heading of docs/two.md has the anchor nowhere',
      'docs/one.md: there is no ../../outside.md',
      'docs/one.md: there is no none.md',
    ])
    const html = await readFile(join(out, 'one.html'), 'utf8')
    expect(html).toContain('<a href="two.html#here-it-is">c</a>')
    expect(html).toContain('&lt;b&gt;bold&lt;/b&gt;')
  })
})

describe('a server', () => {
  it('has the manual for everybody, compressed, with a policy that lets nothing else in', async () => {
    const moved = await fetch(new URL('/help', server.url), { redirect: 'manual' })
    expect([moved.status, moved.headers.get('location')]).toEqual([302, '/help/'])
    const page = await fetch(at(''), { headers: { 'accept-encoding': 'gzip' } })
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-encoding')).toBe('gzip')
    expect(await page.text()).toContain('Slipway')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).not.toContain('unsafe')
    for (const path of ['none.html', '..%2fmain.js', '.built', 'assets/']) {
      expect((await fetch(at(path))).status, path).toBe(404)
    }
  })
})

/** Neither barriers nor complaints, and nothing that is wider than the window. */
async function isReadable(window: BrowserWindow): Promise<void> {
  expect(await window.findBarriers()).toEqual([])
  expect(window.takeComplaints()).toEqual([])
  const { page } = window
  const [width, inner] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.defaultView?.innerWidth ?? 0,
  ])
  expect(width).toBeLessThanOrEqual(inner)
}

describe('in a browser', { timeout: 120_000 }, () => {
  it('pages are readable: a guide, the reference and a file, wide and narrow, light and dark', async () => {
    for (const [theme, width] of [
      ['light', 1360],
      ['dark', 360],
    ] as const) {
      const window = await browser.open({ theme, size: { width, height: 900 } })
      for (const path of [
        '',
        'deployments.html',
        'reference/health.html',
        'files/deploy/argo/role.yaml.html',
      ]) {
        await window.goTo(at(path))
        await isReadable(window)
        await window.picture(`help-${path.replaceAll(/\W+/g, '-') || 'home'}-${theme}`)
      }
      await window.context.close()
    }
  })

  it('is found, searched and left by keyboard, from the dashboard on', async () => {
    const window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    await page.getByRole('link', { name: 'Help' }).click()
    await page.getByRole('heading', { name: 'Slipway’s manual', level: 1 }).waitFor()
    // It is shown as soon as it works.
    const field = page.getByRole('combobox', { name: 'Search the manual' })
    await field.waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('rolling back')
    const found = page.getByRole('listbox', { name: 'Found' })
    await found.getByRole('option').first().waitFor()
    expect(await window.findBarriers()).toEqual([])
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/help\/deployments\.html#rolling-back$/)
    await page.getByRole('link', { name: 'Slipway manual' }).click()
    await page.waitForURL(/\/help\/index\.html$/)
    await field.fill('xyzzyplugh')
    await page.getByText('Nothing found').waitFor()
    expect(window.takeComplaints()).toEqual([])
    await window.context.close()
  })

  it('leads on to the next page, copies code, and keeps the theme of the dashboard', async () => {
    const window = await browser.open({ size: { width: 800, height: 900 } })
    const { page } = window
    await window.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await window.goTo(at('tutorial.html'))
    await page.getByRole('button', { name: 'Theme: system' }).click()
    await page.getByRole('button', { name: 'Theme: light' }).click()
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark')
    const block = page.locator('.code').first()
    await block.getByRole('button').click()
    await block.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    expect(copied).toBe((await block.locator('pre').textContent())?.trimEnd())
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('navigation', { name: 'Pages', exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('.neighbours [rel=next]').click()
    await page.waitForURL((url) => !url.pathname.endsWith('tutorial.html'))
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark')
    await window.goTo(new URL('/sign-in', server.url).href)
    await page.locator('html[data-theme=dark]').waitFor()
    await window.context.close()
  })
})
