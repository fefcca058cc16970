// What is true of every page: accessible in both themes, at 360 pixels, without complaints, titled.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let browser: TestBrowser
let run = ''
let build = 0
let template = 0

beforeAll(async () => {
  server = await startTestServer()
  browser = await startBrowser()
  const repository = await createRepository(server.repositories, 'acme/shop')
  const files = oneProject([{ name: 'unit', action: 'run', run: 'echo it works' }])
  run = await startRun(server, 'acme/shop', await repository.commit(files))
  const { repository: source } = await server.json<{ repository: { id: number } }>(
    'POST',
    '/api/repositories',
    {
      body: { name: 'The shop', repository_url: `file://${repository.directory}` },
    },
  )
  const steps = {
    steps_to_execute: ['clone_repo', 'create_zip'],
    output_type: 'zip',
    git_repository_id: source.id,
  }
  const { pipeline_run: made } = await server.json<{ pipeline_run: { id: number } }>(
    'POST',
    '/api/pipelines/runs',
    { body: steps },
  )
  build = made.id
  const rules = [{ pattern: 'Acme', replacement: 'Globex', files: ['*.html'] }]
  const { template: branding } = await server.json<{ template: { id: number } }>(
    'POST',
    '/api/branding/templates',
    {
      body: { name: 'Globex', brand_name: 'Globex', replacement_rules: rules },
    },
  )
  template = branding.id
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

const pages: readonly {
  path: () => string
  heading: string
  /** The API answers that there is no such thing, which the browser calls an error and the page does not. */
  missing?: true
}[] = [
  { path: () => '/', heading: 'Overview' },
  { path: () => '/repositories/acme/shop', heading: 'acme/shop' },
  { path: () => `/runs/${run}`, heading: 'acme/shop' },
  { path: () => '/repositories', heading: 'Repositories' },
  { path: () => '/repositories/acme/shop?tab=insights', heading: 'acme/shop', missing: true },
  { path: () => `/compare?left=${run}&right=${run}`, heading: 'Two runs compared' },
  { path: () => '/activity', heading: 'Activity' },
  { path: () => '/settings', heading: 'Settings' },
  { path: () => '/settings?tab=tokens', heading: 'Settings' },
  { path: () => '/settings?tab=webhooks', heading: 'Settings' },
  { path: () => '/settings?tab=secrets', heading: 'Settings' },
  { path: () => '/settings?tab=retention', heading: 'Settings' },
  { path: () => '/jobs', heading: 'Runners and jobs' },
  { path: () => '/jobs?tab=classes', heading: 'Runners and jobs' },
  { path: () => '/jobs?tab=runners', heading: 'Runners and jobs' },
  { path: () => '/jobs?tab=workers', heading: 'Runners and jobs' },
  { path: () => '/builds', heading: 'Builds' },
  { path: () => '/builds?tab=statistics', heading: 'Builds' },
  { path: () => '/builds?tab=repositories', heading: 'Builds' },
  { path: () => '/builds?tab=registries', heading: 'Builds' },
  { path: () => '/builds?tab=credentials', heading: 'Builds' },
  { path: () => '/builds/new', heading: 'New build' },
  { path: () => `/builds/${build}`, heading: 'Build #' },
  { path: () => '/templates', heading: 'Templates' },
  { path: () => '/templates/configurations/new', heading: 'New configuration' },
  { path: () => `/templates/${template}`, heading: 'Globex' },
  { path: () => '/runs/0198aaaa-0000-7000-8000-000000000000', heading: 'Not found', missing: true },
  { path: () => '/repositories/without-a-name', heading: 'Not found' },
  { path: () => '/board', heading: 'Releases' },
  { path: () => '/releases/acme/shop/app', heading: 'app' },
]
const looks = [
  { name: 'light', theme: 'light', size: { width: 1280, height: 800 } },
  { name: 'dark', theme: 'dark', size: { width: 1280, height: 800 } },
  { name: 'narrow', theme: 'light', size: { width: 360, height: 740 } },
] as const

describe.each(looks)('every page, $name', ({ name, theme, size }) => {
  it(
    'has a heading, fits, has no barrier, and makes no complaint',
    { timeout: 120_000 },
    async () => {
      await finishedRun(server, run)
      const window = await browser.open({ theme, size })
      const { page } = window
      await window.signIn(server.url, server.token)
      for (const { path, heading, missing } of pages) {
        await window.goTo(new URL(path(), server.url).href)
        await page.getByRole('heading', { level: 1 }).getByText(heading).first().waitFor()
        await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
        expect(await page.title(), path()).toContain('Slipway')
        expect(await page.getByRole('heading', { level: 1 }).count(), path()).toBe(1)
        const width = await page.evaluate<number>('document.documentElement.scrollWidth')
        expect(width, path()).toBeLessThanOrEqual(size.width)
        expect(await window.findBarriers(), path()).toEqual([])
        await window.picture(
          `${name}${path()
            .replaceAll(/[/?&=]/g, '-')
            .replaceAll(run, 'id')}`,
        )
        const complaints = window.takeComplaints()
        if (missing) expect(complaints.join(), path()).toMatch(/404/)
        expect(missing ? complaints.filter((one) => !one.includes('404')) : complaints).toEqual([])
      }
      await window.context.close()
    },
  )
})

describe('signing in', { timeout: 120_000 }, () => {
  it('is asked for, comes back to where one wanted to go, and refuses a wrong token', async () => {
    const window = await browser.open()
    const { page } = window
    await window.goTo(new URL('/board?search=x', server.url).href)
    await page.waitForURL(/\/sign-in\?return_to=/)
    expect(await window.findBarriers()).toEqual([])
    await page.getByLabel('Token').fill('not a token at all')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Token').fill(server.token)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL(/\/board\?search=x/)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/\/sign-in/)
    await window.goTo(new URL('/', server.url).href)
    await page.waitForURL(/\/sign-in/)
    await window.context.close()
  })

  it('takes a token from behind the # of a link, and asks before it uses it', async () => {
    const window = await browser.open()
    const { page } = window
    await window.goTo(new URL(`/sign-in?return_to=/board#token=${server.token}`, server.url).href)
    await page.waitForURL((url) => url.hash === '')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL(/\/board/)
    await window.context.close()
  })

  it('leads nowhere else', async () => {
    const window = await browser.open()
    const { page } = window
    await window.goTo(new URL('/sign-in?return_to=//evil.example/', server.url).href)
    await page.getByLabel('Token').fill(server.token)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(new URL(page.url()).origin).toBe(new URL(server.url).origin)
    await window.context.close()
  })
})

describe('an address that leads nowhere', { timeout: 120_000 }, () => {
  it('shows the dashboard and the way back, and is nothing that was found', async () => {
    const window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    const answer = await window.goTo(new URL('/reposritories', server.url).href)
    expect(answer?.status()).toBe(404)
    await page.getByRole('heading', { name: 'Not found', level: 1 }).waitFor()
    expect(await window.findBarriers()).toEqual([])
    await page.getByRole('link', { name: 'Go to the overview' }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await window.context.close()
  })
})

/** What opens over a page: where, by which button, and the name of what comes up. */
const overlays = [
  ['/repositories/acme/shop', 'Start a run', 'Start a run of acme/shop'],
  ['/repositories/acme/shop?tab=github', 'Start a workflow', 'Start a workflow of acme/shop'],
  ['/builds?tab=repositories', 'Register repository', 'Register a repository'],
  ['/builds?tab=repositories', 'Remove', 'Remove The shop?'],
  ['/builds?tab=registries', 'Add registry', 'Add a registry'],
  ['/builds?tab=credentials', 'Add credential', 'Add a credential'],
  ['/templates', 'New template', /template/],
  ['/settings?tab=tokens', 'New token', 'New token'],
  ['/settings?tab=webhooks', 'New webhook', 'New webhook'],
  ['/settings?tab=secrets', 'New secret', 'New secret'],
  ['/settings?tab=retention', 'Change', 'For how long things are kept'],
  ['/settings', 'Search or go to… /', 'Search or go to'],
  ['/settings', 'Keyboard', 'Keyboard'],
] as const

describe('what opens over a page', { timeout: 180_000 }, () => {
  it('has no barrier in either theme, takes the keyboard, and gives it back', async () => {
    const window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    for (const [path, opener, name] of overlays) {
      await window.goTo(new URL(path, server.url).href)
      const button = page
        .getByRole('button', { name: opener, exact: true, disabled: false })
        .first()
      await button.press('Enter')
      const dialog = page.getByRole('dialog', { name })
      await dialog.waitFor()
      if (opener.startsWith('Search')) await dialog.getByRole('combobox').fill('it works')
      if (opener.startsWith('Search')) await dialog.getByRole('option').first().waitFor()
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect(await window.findBarriers(), `${path} ${opener} ${colorScheme}`).toEqual([])
      }
      // It goes round within.
      for (let presses = 0; presses < 12; presses++) await page.keyboard.press('Tab')
      expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(
        true,
      )
      await window.picture(`dialog-${opener.replaceAll(/\W+/g, '-').toLowerCase()}`)
      await page.setViewportSize({ width: 360, height: 740 })
      expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      await expect
        .poll(() => button.evaluate((element) => element === document.activeElement), {
          message: `${path} ${opener}`,
        })
        .toBe(true)
    }
    await page.setViewportSize({ width: 360, height: 740 })
    await page.getByRole('button', { name: 'Menu' }).press('Enter')
    await page.getByRole('navigation', { name: 'Places' }).getByText('Builds').waitFor()
    expect(await window.findBarriers()).toEqual([])
    // Nobody watches what GitHub runs in the repository.
    expect(window.takeComplaints().filter((one) => !one.includes('404'))).toEqual([])
    await window.context.close()
  })
})

/** What Tab should reach, in the order of the document; of a group of tabs or radio buttons only one. */
const reachable = `[...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"]')]
  .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility() &&
    (one.type !== 'radio' || one.checked) && one.role !== 'tablist')`
/** Where the keyboard is among those; null where it is on something else. */
const focused = `(() => {
  const one = document.activeElement
  const { outlineStyle, boxShadow } = getComputedStyle(one)
  return { at: ${reachable}.indexOf(one), isShown: outlineStyle !== 'none' || boxShadow !== 'none',
    isBody: one === document.body, text: one.outerHTML.slice(0, 120) }
})()`

interface Focused {
  at: number
  isShown: boolean
  isBody: boolean
  text: string
}

describe('the keyboard', { timeout: 180_000 }, () => {
  it('reaches everything on a page by Tab, in its order, and one sees where it is', async () => {
    await finishedRun(server, run)
    const window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    const walked = [
      '/',
      '/repositories/acme/shop',
      `/runs/${run}`,
      '/board',
      '/builds/new',
      `/builds/${build}`,
      `/templates/${template}`,
      '/activity',
      '/settings?tab=tokens',
    ]
    for (const path of walked) {
      await window.goTo(new URL(path, server.url).href)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
      const all = await page.evaluate<string[]>(
        `${reachable}.map((one) => one.outerHTML.slice(0, 120))`,
      )
      const count = all.length
      const seen: number[] = []
      for (let presses = 0; presses < count + 10; presses++) {
        await page.keyboard.press('Tab')
        const { at, isShown, isBody, text } = await page.evaluate<Focused>(focused)
        if (isBody) break
        expect(isShown, `${path}: ${text}`).toBe(true)
        if (at >= 0) seen.push(at)
        if (seen.length === count) break
      }
      const missed = all.filter((_, index) => !seen.includes(index))
      expect(missed, path).toEqual([])
      expect(seen, path).toEqual(seen.toSorted((a, b) => a - b))
    }
    await window.goTo(server.url)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('Tab')
    await page.getByRole('link', { name: 'Skip to the content' }).press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await window.context.close()
  })

  it('goes anywhere, searches, and lists what it can', async () => {
    const window = await browser.open()
    const { page } = window
    await window.signIn(server.url, server.token)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const chords = {
      r: 'Repositories',
      d: 'Releases',
      b: 'Builds',
      t: 'Templates',
      j: 'Runners and jobs',
      a: 'Activity',
      s: 'Settings',
      o: 'Overview',
    }
    for (const [key, name] of Object.entries(chords)) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.getByRole('heading', { name, level: 1, exact: true }).waitFor()
    }
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('/')
    await page.getByRole('combobox').fill('Overv')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(window.takeComplaints()).toEqual([])
    await window.context.close()
  })
})
