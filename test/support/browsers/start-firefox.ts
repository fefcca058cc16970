import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'
import { type DrivenBrowser, endGroup, waitForLine } from './driven-browser.ts'

const answerMs = 60_000
/** Asks nobody for anything. */
const preferences = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#',
  'toolkit.telemetry.enabled': false,
}
/** The protocol tells of what scripts throw and write, but not of what the policy has blocked. */
const tellOfBlocked = `() => {
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    console.error('blocked by ' + violatedDirective + ': ' + blockedURI)
  })
}`

/** Firefox as it is installed, without a screen, by WebDriver BiDi, which it speaks itself. */
export async function startFirefox(): Promise<DrivenBrowser> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-test-'))
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  )
  await writeFile(join(home, 'user.js'), lines.join('\n'))
  const args = ['--headless', '--no-remote', '--profile', home, '--remote-debugging-port', '0']
  const child = spawn('firefox-esr', args, {
    env: { PATH: process.env.PATH, HOME: home, MOZ_CRASHREPORTER_DISABLE: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const close = async () => {
    await endGroup(child)
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const address = await waitForLine(child, child.stderr, /listening on (ws:\/\/[\w.:]+)\s/)
    return await drive(new URL('/session', address).href, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function drive(address: string, end: () => Promise<void>): Promise<DrivenBrowser> {
  const socket = new WebSocket(address)
  await once(socket, 'open', { signal: AbortSignal.timeout(answerMs) })
  const complaints: string[] = []
  const waiting = new Map<number, (message: Message) => void>()
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    if (message.method === 'log.entryAdded' && message.params?.level === 'error') {
      complaints.push(`${message.params.type}: ${message.params.text}`)
    }
  })
  let last = 0
  const send = async <T>(method: string, params: object): Promise<T> => {
    const id = (last += 1)
    const message = await new Promise<Message>((resolve, reject) => {
      const late = () => reject(new Error(`${method} was not answered in time`))
      const timer = setTimeout(late, answerMs)
      waiting.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      socket.send(JSON.stringify({ id, method, params }))
    }).finally(() => waiting.delete(id))
    if (message.type === 'error') throw new Error(`${method}: ${message.error} ${message.message}`)
    return message.result as T
  }
  await send('session.new', { capabilities: {} })
  await send('session.subscribe', { events: ['log.entryAdded'] })
  await send('script.addPreloadScript', { functionDeclaration: tellOfBlocked })
  // The tab that is there at first leaves the focus in the field for addresses: no page in it has any, and its
  // buttons hear of keys, but are not pressed by them.
  const { context } = await send<{ context: string }>('browsingContext.create', { type: 'tab' })
  const viewport = { width: 1280, height: 900 }
  await send('browsingContext.setViewport', { context, viewport })
  return {
    goto: (url) => send('browsingContext.navigate', { context, url, wait: 'complete' }),
    async evaluate<T>(expression: string) {
      const answer = await send<Evaluated>('script.evaluate', {
        expression: `JSON.stringify([${expression}])`,
        target: { context },
        awaitPromise: false,
      })
      if (answer.type === 'exception') throw new Error(answer.exceptionDetails?.text)
      return (JSON.parse(answer.result?.value ?? '[]') as [T])[0]
    },
    perform: (actions) => send('input.performActions', { context, actions }),
    async screenshot() {
      const { data } = await send<{ data: string }>('browsingContext.captureScreenshot', {
        context,
      })
      return Buffer.from(data, 'base64')
    },
    takeComplaints: () => Promise.resolve(complaints.splice(0)),
    async close() {
      socket.terminate()
      await end()
    },
  }
}

interface Message {
  id?: number
  type?: 'success' | 'error' | 'event'
  error?: string
  message?: string
  result?: unknown
  method?: string
  params?: { level: string; type: string; text: string }
}

interface Evaluated {
  type: 'success' | 'exception'
  result?: { value?: string }
  exceptionDetails?: { text: string }
}
