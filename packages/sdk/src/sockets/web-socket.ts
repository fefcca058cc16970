import type { SlipwayError } from '../slipway-error.ts'

/** Where a WebSocket goes, and who asks for it. */
export interface WebSocketInput {
  /** ws: or wss: */
  url: URL
  /** Sent with the handshake, where the environment can. */
  headers: Readonly<Record<string, string>>
  /** Offered with the handshake. */
  protocols: readonly string[]
}

/** What is told of a WebSocket. Nothing is after `onClose`. */
export interface WebSocketListeners {
  onText(text: string): void
  /**
   * Once, however it ended. `refusal` is what the server answered in place of a handshake, where the
   * environment lets it be seen; `opened`, whether there was a connection at all.
   */
  onClose(end: WebSocketEnd): void
}

export interface WebSocketEnd {
  opened: boolean
  /** 1006 where there was no word of it. */
  code: number
  reason: string
  refusal?: SlipwayError
}

export interface OpenedWebSocket {
  /** Does nothing while it is not open. */
  send(text: string): void
  /** Ends it, at once or soon. */
  close(): void
}

/** Opens WebSockets in the environment that this runs in. */
export interface WebSocketMaker {
  /** Whether a handshake can have headers; in browsers, it cannot. */
  hasHeaders: boolean
  open(input: WebSocketInput, listeners: WebSocketListeners): OpenedWebSocket
}
