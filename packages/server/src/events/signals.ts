/** How servers on one database tell each other something; absent where there is only one server. */
export interface Signals {
  /** Best effort: a signal may be lost, so nothing may depend on one alone. */
  notify(channel: string, payload?: string): void | Promise<void>
  /** Calls `listener` for signals of every server, this one's included, until the result is called. */
  on(channel: string, listener: (payload?: string) => void): () => void
}

/** Tells the other servers the highest number that was given to an event. */
export const EVENTS_CHANNEL = 'slipway_events'
