/** Jobs were queued; the payload of this and the others begins with the bus that says so. */
export const QUEUED_CHANNEL = 'slipway_jobs_queued'
/** Jobs were taken from their holders: these, if any are named; each looks up what it still holds. */
export const STOPPED_CHANNEL = 'slipway_jobs_stopped'
/** A worker has come: from now on it is worth telling others. */
export const WORKERS_CHANNEL = 'slipway_workers'
