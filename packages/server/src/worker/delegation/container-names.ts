import { randomUUID } from 'node:crypto'

const jobPrefix = 'slipway-job-'
const warmPrefix = 'slipway-warm-'

/**
 * The name of a delegation's container, which it has before it starts: so whoever comes after this process
 * finds it, and no delegation has two. A label could not be given to one that was created before.
 */
export function nameOfJob(delegationId: string): string {
  return jobPrefix + delegationId
}

/** Null: it is not the name of a delegation's container. */
export function delegationOf(name: string): string | null {
  return name.startsWith(jobPrefix) ? name.slice(jobPrefix.length) : null
}

/** A name for a container that waits for a delegation. */
export function nameWarm(): string {
  return warmPrefix + randomUUID()
}

export function isWarmName(name: string): boolean {
  return name.startsWith(warmPrefix)
}
