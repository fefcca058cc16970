/** Milliseconds between two heartbeats of a worker. */
export const heartbeatMs = 15_000
/**
 * Milliseconds without a heartbeat after which a worker aborts its own jobs and may claim no
 * more. Less than `leaseMs` by more than any statement or abort takes, so that no job is in two hands.
 */
export const giveUpMs = 75_000
/** Milliseconds of silence after which a worker's jobs are freed for others. */
export const leaseMs = 90_000
