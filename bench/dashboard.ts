import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { startBrowser, type TestBrowser } from '../test/support/browser.ts'
import { createRepository, oneProject } from '../test/support/git-repository.ts'
import { startTestServer, type TestServer } from '../test/support/server.ts'
import { percentiles } from './statistics.ts'

const loads = 7
const opens = 5
const events = 20
/** Milliseconds between events of which each comes alone. */
const aloneMs = 500
const shownMs = 60_000
const lines = 100_000
const goal = {
  scriptBytes: 250 * 1024,
  paintMs: 1000,
  logMs: 500,
  eventMs: 100,
  frameMs: 1000 / 60,
}

/**
 * The dashboard in a real browser: compressed scripts and first paint of the overview, opening and scrolling
 * a log of 100,000 lines, and from an event to the screen. Beside each its floor in the same browser: a bare
 * page, the same bytes fetched and split, a bare stream of events. Takes about a minute.
 */
export async function benchDashboard(): Promise<object> {
  const server = await startTestServer({ API_RATE_LIMIT: '100000' })
  const browser = await startBrowser()
  const bare = await startBarePages()
  try {
    const run = await runLongLog(server)
    const { scriptBytes, ...paint } = await benchPaint(browser, server, bare.url)
    const log = await benchLog(browser, server, run)
    const event = await benchEvents(browser, server, bare)
    return {
      goal,
      scriptBytes,
      paint,
      log,
      event,
      reached:
        scriptBytes <= goal.scriptBytes &&
        paint.meaningfulMs.p50 <= goal.paintMs &&
        log.openMs.p50 <= goal.logMs &&
        event.onScreenMs.p99 <= goal.eventMs,
    }
  } finally {
    await browser.close()
    bare.close()
    await server.close()
  }
}

/** A finished run of two steps, of which the second wrote the long log; answers its id. */
async function runLongLog(server: TestServer): Promise<string> {
  const repository = await createRepository(server.repositories, 'bench/logs')
  const commit = await repository.commit(
    oneProject([
      { name: 'long', action: 'run', run: `seq -f 'line %.0f of a log of many lines' 1 ${lines}` },
      { name: 'short', action: 'run', run: 'echo short' },
    ]),
  )
  const body = {
    repository: 'bench/logs',
    branch: 'main',
    commit_sha: commit,
    trigger_type: 'push',
  }
  const { id } = await server.json<{ id: string }>('POST', '/v1/runs', { body })
  const deadline = Date.now() + 120_000
  for (;;) {
    const { status } = await server.json<{ status: string }>('GET', `/v1/runs/${id}`)
    if (status === 'success') return id
    if (status === 'failed' || Date.now() > deadline) throw new Error(`the run is ${status}`)
    await sleep(100)
  }
}

/** Milliseconds from the navigation until an element that the selector names has the text. */
function whenShown(selector: string, text: string): string {
  return `new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('never shown: ' + ${JSON.stringify(text)})), ${shownMs})
    const look = () => {
      if (![...document.querySelectorAll(${JSON.stringify(selector)})]
        .some((one) => one.textContent.includes(${JSON.stringify(text)}))) return false
      requestAnimationFrame(() => resolve({ at: performance.now(), clock: Date.now() }))
      return true
    }
    if (look()) return
    const watch = new MutationObserver(() => { if (look()) watch.disconnect() })
    watch.observe(document, { subtree: true, childList: true, characterData: true })
  })`
}

const firstPaint = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0`
const scripts = `performance.getEntriesByType('resource')
  .filter(({ name }) => new URL(name).pathname.endsWith('.js'))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`

async function benchPaint(browser: TestBrowser, server: TestServer, bareUrl: string) {
  const first: number[] = []
  const meaningful: number[] = []
  const floor: number[] = []
  let scriptBytes = 0
  for (let n = 0; n < loads; n++) {
    // A window of its own has nothing in its cache.
    const window = await browser.open()
    const { page, context } = window
    const answer = await context.request.post(new URL('/v1/session', server.url).href, {
      data: { token: server.token },
    })
    if (!answer.ok()) throw new Error(`signing in answered ${answer.status()}`)
    await page.goto(server.url, { waitUntil: 'commit' })
    meaningful.push((await page.evaluate<Shown>(whenShown('td', 'bench/logs'))).at)
    await page.locator('[data-connection="live"]').waitFor()
    first.push(await page.evaluate<number>(firstPaint))
    scriptBytes = await page.evaluate<number>(scripts)
    await page.goto(bareUrl)
    await page.evaluate(whenShown('td', 'bare'))
    await page.waitForFunction(`(${firstPaint}) > 0`)
    floor.push(await page.evaluate<number>(firstPaint))
    await context.close()
  }
  return {
    scriptBytes,
    firstMs: percentiles(first),
    meaningfulMs: percentiles(meaningful),
    floorMs: percentiles(floor),
  }
}

interface Shown {
  /** Milliseconds since the page began. */
  at: number
  /** Milliseconds since 1970. */
  clock: number
}

async function benchLog(browser: TestBrowser, server: TestServer, run: string) {
  const open: number[] = []
  const whole: number[] = []
  const floor: number[] = []
  let frames: number[] = []
  const { page, context, signIn } = await browser.open()
  await signIn(server.url, server.token, `/runs/${run}`)
  for (let n = 0; n < opens; n++) {
    await page.getByRole('button', { name: /^short/ }).click()
    await page.getByRole('log').getByText('short', { exact: true }).waitFor()
    const shown = await page.evaluate<{ began: number; rows: Shown; all: Shown }>(`(async () => {
      const began = performance.now()
      const rows = ${whenShown('[role=log] *', 'line 1 of')}
      const all = ${whenShown('[role=toolbar] span', `${lines.toLocaleString('en-GB')} lines`)}
      ;[...document.querySelectorAll('button[aria-pressed]')]
        .find((one) => one.textContent.startsWith('long')).click()
      return { began, rows: await rows, all: await all }
    })()`)
    open.push(shown.rows.at - shown.began)
    whole.push(shown.all.at - shown.began)
    const path = await page.getByRole('link', { name: 'Download' }).getAttribute('href')
    floor.push(
      await page.evaluate<number>(`(async () => {
        const began = performance.now()
        const text = await (await fetch(${JSON.stringify(`${path}?timestamps=true`)})).text()
        if (text.split('\\n').length < ${lines}) throw new Error('less than all')
        return performance.now() - began
      })()`),
    )
  }
  frames = await scroll(page)
  await context.close()
  return {
    openMs: percentiles(open),
    wholeMs: percentiles(whole),
    floorMs: percentiles(floor),
    scrollFrameMs: percentiles(frames),
  }
}

/** Milliseconds of each frame while the log moves by a screen a frame. */
function scroll(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`new Promise((resolve) => {
    const log = document.querySelector('[role=log]')
    const frames = []
    let last = performance.now()
    const step = (now) => {
      frames.push(now - last)
      last = now
      log.scrollTop += log.clientHeight
      if (frames.length < 180) requestAnimationFrame(step)
      else resolve(frames.slice(1))
    }
    requestAnimationFrame(step)
  })`)
}

/** Each on its own, and one as soon as the one before is there, while the server still works on that. */
async function benchEvents(browser: TestBrowser, server: TestServer, bare: BarePages) {
  const { page, context, signIn } = await browser.open()
  await signIn(server.url, server.token)
  await page.locator('[data-connection="live"]').waitFor()
  const onScreen = await showRuns({ page, server, name: 'alone', restMs: aloneMs })
  const inARow = await showRuns({ page, server, name: 'row', restMs: 0 })
  await page.goto(`${bare.url}stream`)
  await page.waitForFunction('globalThis.isOpen === true')
  const floor: number[] = []
  for (let n = 0; n < events; n++) {
    const shown = page.evaluate<Shown>(whenShown('td', `event ${n}.`))
    const at = Date.now()
    bare.tell(`event ${n}.`)
    floor.push((await shown).clock - at)
  }
  await context.close()
  return {
    onScreenMs: percentiles(onScreen),
    inARowMs: percentiles(inARow),
    floorMs: percentiles(floor),
  }
}

/** Milliseconds from the moment at which a run began until the overview shows it, of each. */
async function showRuns({
  page,
  server,
  name,
  restMs,
}: {
  page: Page
  server: TestServer
  name: string
  restMs: number
}): Promise<number[]> {
  const onScreen: number[] = []
  for (let n = 0; n < events; n++) {
    await sleep(restMs)
    const repository = `bench/${name}-${n}`
    const shown = page.evaluate<Shown>(whenShown('td', repository))
    const body = { repository, branch: 'main', commit_sha: 'a'.repeat(40), trigger_type: 'push' }
    const { id } = await server.json<{ id: string }>('POST', '/v1/runs', { body })
    const { started_at: at } = await server.json<{ started_at: string }>('GET', `/v1/runs/${id}`)
    onScreen.push((await shown).clock - Date.parse(at))
  }
  return onScreen
}

interface BarePages {
  url: string
  /** To the page that follows the stream. */
  tell(text: string): void
  close(): void
}

/** A page with nothing but its text, and one that writes what a stream says. */
async function startBarePages(): Promise<BarePages> {
  let stream: ServerResponse | null = null
  const page = (script: string) =>
    `<!doctype html><title>bare</title><table><tr><td>bare</td></tr></table>${script}`
  const follow = `<script>
    const source = new EventSource('/events')
    source.onopen = () => { globalThis.isOpen = true }
    source.onmessage = ({ data }) => { document.querySelector('td').textContent = data }
  </script>`
  const server = createServer((request, response) => {
    if (request.url === '/events') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' })
      stream.write(':\n\n')
    } else {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(page(request.url === '/stream' ? follow : ''))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    tell: (text) => void stream?.write(`data: ${text}\n\n`),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
