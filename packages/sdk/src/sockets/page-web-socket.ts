import type { WebSocketMaker } from './web-socket.ts'

/** What is used of a browser's WebSocket (WHATWG WebSockets, 3). */
interface PageWebSocket {
  readonly readyState: number
  send(text: string): void
  close(code?: number): void
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void
}

const open = 1

/** The environment's own WebSockets: those of browsers, which say nothing of why one was refused. */
export const webSockets: WebSocketMaker = {
  hasHeaders: false,
  open({ url, protocols }, { onText, onClose }) {
    const { WebSocket } = globalThis as unknown as {
      WebSocket: new (url: string, protocols: string[]) => PageWebSocket
    }
    const socket = new WebSocket(url.href, [...protocols])
    let opened = false
    let ended = false
    socket.addEventListener('open', () => void (opened = true))
    socket.addEventListener('message', ({ data }) => {
      if (!ended && typeof data === 'string') onText(data)
    })
    // `close` follows. Where this is no browser, an error that nobody listens to may end the program.
    socket.addEventListener('error', () => {})
    socket.addEventListener('close', ({ code, reason }) => {
      if (ended) return
      ended = true
      onClose({ opened, code, reason })
    })
    return {
      send(text) {
        if (socket.readyState === open) socket.send(text)
      },
      close() {
        ended = true
        socket.close(1000)
      },
    }
  },
}
