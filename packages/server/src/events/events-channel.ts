/** The signal that tells other servers the highest number that was given to an event. */
export const EVENTS_CHANNEL = 'events'
