import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Page,
  type Response,
} from 'playwright-core'

const executables = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** For a Chromium in a container, that asks nobody for anything. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const screenshots = fileURLToPath(new URL('../../test-results/screenshots', import.meta.url))
/** Long, for machines that are busy with other tests. */
const deadlineMs = 40_000
/**
 * What Chromium says of every request under way, also to this machine, when an interface comes or goes: tests
 * beside this one have containers. It is no fault of the page's.
 */
const networkChanged = 'ERR_NETWORK_CHANGED'
const mostTries = 5

/** A real Chromium, and what its pages complained of. */
export interface TestBrowser {
  /** A window of its own: cookies and storage are not shared with others. */
  open(options?: WindowOptions): Promise<BrowserWindow>
  close(): Promise<void>
}

export interface WindowOptions {
  /** Pixels. Default 1280 by 800. */
  size?: { width: number; height: number }
  theme?: 'light' | 'dark'
  /** For fingers, which point at nothing before they touch it. Default false. */
  touch?: boolean
  locale?: string
}

export interface BrowserWindow {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of scripts, of the console and of the content security policy, since the last look. */
  takeComplaints(): string[]
  /** Goes to the URL, again where a network's coming or going broke it off. */
  goTo(url: string): Promise<Response | null>
  /** Goes to the path and signs in with the token by the form, back to that path. */
  signIn(url: string, token: string, path?: string): Promise<void>
  /** Violations of WCAG 2 A and AA by axe, one line each. */
  findBarriers(): Promise<string[]>
  /** Keeps a picture of the whole page among the results of the tests. */
  picture(name: string): Promise<void>
}

/** Where this machine has a Chromium, or the one that CHROMIUM names; fails where there is none. */
export function findChromium(): string {
  const path = process.env.CHROMIUM ?? executables.find((candidate) => existsSync(candidate))
  if (path === undefined) throw new Error(`Chromium is none of ${executables.join(', ')}`)
  return path
}

export async function startBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...chromiumFlags],
  })
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  return {
    async open({
      size = { width: 1280, height: 800 },
      theme = 'light',
      touch = false,
      locale = 'en-GB',
    } = {}) {
      const context = await browser.newContext({
        viewport: size,
        colorScheme: theme,
        hasTouch: touch,
        isMobile: touch,
        locale,
      })
      context.setDefaultTimeout(deadlineMs)
      const page = await context.newPage()
      const complaints: string[] = []
      let changes = 0
      page.on('pageerror', (error) => complaints.push(`script: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() !== 'error') return
        if (message.text().includes(networkChanged)) changes += 1
        else complaints.push(`console: ${message.text()}`)
      })
      const goTo = async (url: string) => {
        for (let tries = 1; ; tries++) {
          const before = changes
          try {
            const response = await page.goto(url)
            if (changes === before || tries === mostTries) return response
          } catch (error) {
            if (tries === mostTries || !String(error).includes(networkChanged)) throw error
          }
        }
      }
      return {
        page,
        context,
        goTo,
        takeComplaints: () => complaints.splice(0),
        async signIn(url, token, path = '/') {
          await goTo(new URL(path, url).href)
          await page.getByLabel('Token').fill(token)
          await page.getByRole('button', { name: 'Sign in', exact: true }).click()
          await page.locator('#main').waitFor()
          // That nobody was signed in before is what the browser calls an error.
          complaints.length = 0
        },
        async findBarriers() {
          await page.evaluate(axe)
          return page.evaluate(async () => {
            const { axe } = globalThis as unknown as { axe: Axe }
            const { violations } = await axe.run({
              runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
            })
            return violations.flatMap(({ id, help, nodes }) =>
              nodes.map(({ target, failureSummary }) =>
                [id, help, target.join(' '), failureSummary].join(' | '),
              ),
            )
          })
        },
        async picture(name) {
          const path = join(screenshots, `${name}.png`)
          await mkdir(dirname(path), { recursive: true })
          await page.screenshot({ path, fullPage: true })
        },
      }
    },
    close: () => browser.close(),
  }
}

interface Axe {
  run(options: object): Promise<{
    violations: {
      id: string
      help: string
      nodes: { target: string[]; failureSummary: string }[]
    }[]
  }>
}
