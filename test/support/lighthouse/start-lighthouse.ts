import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../browser.ts'

/** Not among the packages that everybody installs: it brings more than a hundred megabytes. */
const entry = new URL('node_modules/lighthouse/core/index.js', import.meta.url)

export type FormFactor = 'mobile' | 'desktop'

/** What Lighthouse found of a page. */
export interface Finding {
  /** Between 0 and 1, by category. */
  scores: Record<string, number | null>
  /** The audits that are not passed, one line each, with what fails them. */
  faults: string[]
}

/** Lighthouse in a Chromium of its own. */
export interface Lighthouse {
  /** Signs the browser in; every page after it is of whoever the token belongs to. */
  signIn(url: string, token: string): Promise<void>
  measure(url: string, formFactor: FormFactor): Promise<Finding>
  close(): Promise<void>
}

export async function startLighthouse(): Promise<Lighthouse> {
  if (!existsSync(entry)) {
    const directory = fileURLToPath(new URL('.', import.meta.url))
    throw new Error(`Lighthouse is not installed: npm install --prefix ${directory}`)
  }
  const { default: run } = (await import(entry.href)) as { default: Run }
  const profile = await mkdtemp(join(tmpdir(), 'slipway-test-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: [...chromiumFlags, '--remote-debugging-port=0'],
  })
  const port = Number((await readFile(join(profile, 'DevToolsActivePort'), 'utf8')).split('\n')[0])
  return {
    async signIn(url, token) {
      const response = await context.request.post(new URL('/v1/session', url).href, {
        data: { token },
      })
      if (!response.ok()) throw new Error(`${response.status()} ${await response.text()}`)
    },
    async measure(url, formFactor) {
      const answer = await run(url, { ...flags, ...screens[formFactor], port, formFactor })
      if (answer === undefined) throw new Error(`nothing was found of ${url}`)
      return findingOf(answer.lhr)
    },
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/**
 * The session is kept between pages, and nothing waits longer than the page needs: a method other than
 * `simulate`, which slows down nothing itself, waits for 5 s of quiet several times.
 */
const flags = {
  logLevel: 'silent',
  onlyCategories: ['accessibility', 'best-practices'],
  disableStorageReset: true,
  disableFullPageScreenshot: true,
  throttlingMethod: 'simulate',
  maxWaitForLoad: 30_000,
  pauseAfterFcpMs: 0,
  pauseAfterLoadMs: 0,
  networkQuietThresholdMs: 250,
  cpuQuietThresholdMs: 0,
} as const

const screens = {
  mobile: { screenEmulation: { mobile: true, width: 412, height: 823, deviceScaleFactor: 1.75 } },
  desktop: {
    screenEmulation: { mobile: false, width: 1350, height: 940, deviceScaleFactor: 1 },
  },
} as const

function findingOf({ runtimeError, categories, audits }: Result): Finding {
  if (runtimeError !== undefined) throw new Error(runtimeError.message)
  const scores: Finding['scores'] = {}
  const faults: string[] = []
  for (const { id, score, auditRefs } of Object.values(categories)) {
    scores[id] = score
    for (const { id: audit, weight } of auditRefs) {
      const found = audits[audit]
      if (found === undefined || weight === 0 || found.score === null || found.score >= 1) continue
      faults.push([found.id, found.title, JSON.stringify(found.details?.items ?? [])].join(' | '))
    }
  }
  return { scores, faults }
}

/** What is used of Lighthouse's own types, which are not there where it is not installed. */
type Run = (url: string, flags: object) => Promise<{ lhr: Result } | undefined>

interface Result {
  runtimeError?: { message: string }
  categories: Record<
    string,
    { id: string; score: number | null; auditRefs: { id: string; weight: number }[] }
  >
  audits: Record<
    string,
    { id: string; title: string; score: number | null; details?: { items?: unknown[] } }
  >
}
