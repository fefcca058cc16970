import type { Socket as Session } from 'engine.io'

const windowMs = 10_000

/** Calls `onTooMany` with the first message of a connection that is more than `max` within ten seconds. */
export function limitMessages(session: Session, max: number, onTooMany: () => void): void {
  let messages = 0
  let countedSince = performance.now()
  session.on('packet', ({ type }: { type: string }) => {
    if (type !== 'message') return
    const now = performance.now()
    if (now - countedSince > windowMs) {
      messages = 0
      countedSince = now
    }
    messages += 1
    if (messages === max + 1) onTooMany()
  })
}

/**
 * Cuts a connection for which more than `max` messages wait to be sent, the first of them for `patienceMs`:
 * many at once are no fault of the client's.
 */
export function limitWaiting(
  session: Session,
  { max, patienceMs }: { max: number; patienceMs: number },
  onCut: () => void,
): void {
  let waiting = 0
  let since = 0
  session.on('flush', () => void (waiting = 0))
  session.on('packetCreate', () => {
    const now = performance.now()
    if (waiting === 0) since = now
    waiting += 1
    if (waiting <= max || now - since < patienceMs) return
    onCut()
    session.close(true)
  })
}

/**
 * Ends a connection so that its client learns of it: one that polls, with its next poll, if that comes
 * before `deadline` aborts. A client whose connection ends comes back by itself, here or elsewhere.
 */
export async function endSession(session: Session, deadline: AbortSignal): Promise<void> {
  const closed = new Promise<void>((resolve) => void session.once('close', () => resolve()))
  const late = new Promise<void>((resolve) => {
    deadline.addEventListener('abort', () => resolve(), { once: true })
  })
  const { transport } = session
  if (!transport.writable) {
    const ready = new Promise<void>((resolve) => void transport.once('ready', () => resolve()))
    await Promise.race([ready, closed, late])
  }
  session.close(deadline.aborted)
  await Promise.race([closed, late])
}
