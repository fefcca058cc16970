import type { Log } from './log.ts'

/**
 * Wake-ups between the parts of one server, and between servers that share a database. A signal says
 * "look again", and nothing that only a signal knows: it may be lost, doubled or late.
 */
export interface Signals {
  /**
   * Wakes the listeners of this process at once and those of others soon. Never throws for a database
   * that is away; a payload over 4,000 bytes is a RangeError.
   */
  notify(channel: string, payload?: string): void
  /** Calls `listener` for each signal until the returned function is called. */
  on(channel: string, listener: SignalListener): () => void
  /** Signals under way are sent first, for at most some seconds. Repeating is harmless. */
  close(): Promise<void>
}

/**
 * The payload ("" when there was none), or null when signals may have been missed, so that the
 * listener had better look at everything.
 */
export type SignalListener = (payload: string | null) => void

/** For an embedded database: it has one server, so nobody else needs waking. */
export function createLocalSignals(log: Log): Signals {
  const listeners = createListeners(log)
  return {
    notify(channel, payload = '') {
      checkSignal(channel, payload)
      listeners.call(channel, payload)
    },
    on: (channel, listener) => listeners.add(channel, listener),
    close() {
      listeners.clear()
      return Promise.resolve()
    },
  }
}

export interface Listeners {
  add(channel: string, listener: SignalListener): () => void
  /** Calls them after the current task's synchronous part; one that throws is logged and does no harm. */
  call(channel: string, payload: string | null): void
  callAll(): void
  clear(): void
}

/** The listeners of this process, by channel. */
export function createListeners(log: Log): Listeners {
  const channels = new Map<string, Set<{ listener: SignalListener }>>()
  const call = (channel: string, payload: string | null) => {
    const entries = channels.get(channel)
    if (entries === undefined) return
    queueMicrotask(() => {
      // One that is added by another's call hears the next signal.
      const present = Array.from(entries)
      for (const entry of present) {
        // It may have gone while this call was waiting.
        if (!entries.has(entry)) continue
        try {
          entry.listener(payload)
        } catch (error) {
          log.error({ err: error, channel }, 'A listener to signals failed')
        }
      }
    })
  }
  return {
    add(channel, listener) {
      const entry = { listener }
      const entries = channels.get(channel) ?? new Set()
      channels.set(channel, entries.add(entry))
      return () => {
        entries.delete(entry)
        if (entries.size === 0 && channels.get(channel) === entries) channels.delete(channel)
      }
    },
    call,
    callAll() {
      for (const channel of channels.keys()) call(channel, null)
    },
    clear() {
      for (const entries of channels.values()) entries.clear()
      channels.clear()
    },
  }
}

/** PostgreSQL carries 8,000 bytes in all. */
export function checkSignal(channel: string, payload: string): void {
  if (!/^[a-z][a-z0-9._-]{0,62}$/.test(channel)) throw new RangeError(`${channel} is no channel`)
  if (Buffer.byteLength(payload) > 4_000)
    throw new RangeError('A signal carries 4,000 bytes at most')
}
