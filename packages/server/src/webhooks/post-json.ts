import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, type RequestOptions, request as httpsRequest } from 'node:https'
import type { LookupAddress } from 'node:dns'
import { pinned } from './check-target.ts'

/** Bytes of an answer's body that are read, and those that are kept. */
const readBytes = 64 * 1024
const keptBytes = 2 * 1024
/** Milliseconds that an answer's body may take once its status is known. */
const bodyMs = 2_000

/** Connections to targets, kept for the next delivery. */
export interface Connections {
  close(): void
  agentFor(url: URL): HttpAgent | HttpsAgent
}

export interface Answer {
  status: number
  /** The beginning of the body. */
  excerpt: string
  retryAfter: string | undefined
}

export function openConnections(): Connections {
  const options = { keepAlive: true, maxFreeSockets: 128, timeout: 30_000 }
  const http = new HttpAgent(options)
  const https = new HttpsAgent(options)
  return {
    agentFor: (url) => (url.protocol === 'https:' ? https : http),
    close() {
      http.destroy()
      https.destroy()
    },
  }
}

/**
 * Sends a body to one of the checked addresses and answers with what came back: the status decides, and
 * of a body only the beginning is read. Redirects are answers like others. A kept connection that turns
 * out to be closed is replaced once. Rejects when there is no answer, or when `signal` aborts.
 */
export async function postJson(
  connections: Connections,
  input: {
    url: URL
    addresses: readonly LookupAddress[]
    headers: Readonly<Record<string, string>>
    body: string
    signal: AbortSignal
  },
): Promise<Answer> {
  const agent = connections.agentFor(input.url)
  try {
    return await postOnce(agent, input)
  } catch (error) {
    if (!(error instanceof StaleConnection) || input.signal.aborted) throw error
    return await postOnce(false, input)
  }
}

/** Said before anything came over a connection that had been in use before. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection'
}

function postOnce(
  agent: HttpAgent | HttpsAgent | false,
  input: Parameters<typeof postJson>[1],
): Promise<Answer> {
  const { url, addresses, headers, body, signal } = input
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method: 'POST',
      agent,
      signal,
      lookup: pinned(addresses),
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'accept-encoding': 'identity',
      },
    }
    const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options)
    // The status decides; what happens to the body after it does not matter any more.
    let answered = false
    const fail = (error: Error) => {
      if (answered) return
      const broke = 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      reject(broke && outgoing.reusedSocket ? new StaleConnection(error.message) : error)
    }
    outgoing.on('error', fail)
    outgoing.on('close', () => fail(new Error('the connection was closed without an answer')))
    outgoing.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 101, excerpt: '', retryAfter: undefined })
    })
    outgoing.on('response', (response) => {
      answered = true
      const status = response.statusCode ?? 0
      const retryAfter = response.headers['retry-after']
      void readExcerpt(response).then((excerpt) => resolve({ status, excerpt, retryAfter }))
    })
    outgoing.end(body)
  })
}

/** Reads on to the end of a small body, so that its connection can be kept; a large or slow one is cut. */
function readExcerpt(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const kept: Buffer[] = []
    let size = 0
    const timer = setTimeout(() => response.destroy(), bodyMs)
    response.on('data', (chunk: Buffer) => {
      if (size < keptBytes) kept.push(chunk.subarray(0, keptBytes - size))
      size += chunk.length
      if (size >= readBytes) response.destroy()
    })
    // What breaks off has been answered nevertheless.
    response.on('error', () => {})
    response.on('close', () => {
      clearTimeout(timer)
      resolve(toText(Buffer.concat(kept)))
    })
  })
}

/** As much as is whole characters; PostgreSQL stores no NUL. */
function toText(bytes: Buffer): string {
  return new TextDecoder().decode(bytes, { stream: true }).replaceAll('\0', '\uFFFD')
}
