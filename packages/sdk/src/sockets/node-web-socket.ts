import { WebSocket } from 'ws'
import { errorFromResponse, type SlipwayError } from '../slipway-error.ts'
import type { WebSocketMaker } from './web-socket.ts'

/** Longest message that is taken, in bytes. */
const maxMessageBytes = 16 * 1024 * 1024
/** Bytes of a refusal that are read. */
const maxRefusalBytes = 64 * 1024
/** Milliseconds in which the server may say goodbye. */
const farewellMs = 2_000

/** WebSockets of Node, which has none of its own before version 22, and none with headers since. */
export const webSockets: WebSocketMaker = {
  hasHeaders: true,
  open({ url, headers, protocols }, { onText, onClose }) {
    const socket = new WebSocket(url, [...protocols], {
      headers,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
    })
    let opened = false
    let ended = false
    let reason = ''
    const end = (code: number, why: string, refusal?: SlipwayError) => {
      if (ended) return
      ended = true
      onClose({ opened, code, reason: why, ...(refusal === undefined ? {} : { refusal }) })
    }
    socket.on('open', () => void (opened = true))
    socket.on('message', (data, isBinary) => {
      if (!isBinary && !ended && Buffer.isBuffer(data)) onText(data.toString())
    })
    // What went wrong; `close` follows.
    socket.on('error', (error) => void (reason = error.message))
    socket.on('close', (code, why) => end(code, why.toString() || reason))
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= maxRefusalBytes) chunks.push(chunk)
        else response.destroy()
      })
      response.once('close', () => {
        const answer = toResponse(response, Buffer.concat(chunks))
        void errorFromResponse(answer).then((refusal) => {
          end(1006, refusal.message, refusal)
          socket.terminate()
        })
      })
    })
    return {
      send(text) {
        if (socket.readyState === WebSocket.OPEN) socket.send(text)
      },
      close() {
        ended = true
        if (socket.readyState !== WebSocket.OPEN) return socket.terminate()
        const cut = setTimeout(() => socket.terminate(), farewellMs)
        cut.unref()
        socket.once('close', () => clearTimeout(cut))
        socket.close(1000)
      },
    }
  },
}

/** Statuses that a Response may only have without a body. */
const withoutBody = [204, 205, 304]
/** What of a refusal is of use besides its body. */
const headersOfUse = ['retry-after', 'x-request-id']

/** What of an answer in place of a handshake is looked at. */
interface Refusal {
  statusCode?: number | undefined
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Whatever answered: a status that a Response cannot have is told as that of a broken proxy. */
function toResponse({ statusCode = 502, headers }: Refusal, body: Buffer): Response {
  const status = statusCode >= 200 && statusCode <= 599 ? statusCode : 502
  const kept = headersOfUse.flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' ? [[name, value] as [string, string]] : []
  })
  const text = withoutBody.includes(status) ? null : new Uint8Array(body)
  return new Response(text, { status, headers: kept })
}
