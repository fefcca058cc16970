import type { WebSocket } from 'ws'

/** Milliseconds in which a client may answer that it has understood. */
const answerMs = 2_000

/** Closes a socket with a code and a reason; one that does not answer is cut. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === socket.CLOSED) return
  const cut = setTimeout(() => socket.terminate(), answerMs)
  cut.unref()
  socket.once('close', () => clearTimeout(cut))
  socket.close(code, reason)
}

/** The same for many; resolves when all of them are closed. */
export async function closeSockets(
  sockets: readonly WebSocket[],
  code: number,
  reason: string,
): Promise<void> {
  const closed = sockets
    .filter((socket) => socket.readyState !== socket.CLOSED)
    .map((socket) => new Promise<void>((resolve) => void socket.once('close', () => resolve())))
  for (const socket of sockets) closeSocket(socket, code, reason)
  await Promise.all(closed)
}
