import type { SubscribeOptions } from '../../../ports/job-bus.ts'

/**
 * Throws a TypeError for options that a bus cannot serve. A worker looks up what it holds by type: two
 * subscriptions of one worker must not share one.
 */
export function refuseOverlap(
  present: Iterable<{ options: SubscribeOptions }>,
  options: SubscribeOptions,
): void {
  if (!Number.isInteger(options.capacity) || options.capacity < 1) {
    throw new TypeError('The capacity of a subscription is an integer of at least 1')
  }
  for (const { options: other } of present) {
    const shared = options.types.find((type) => other.types.includes(type))
    if (other.workerId === options.workerId && shared !== undefined) {
      throw new TypeError(`The worker ${options.workerId} is already subscribed to ${shared}`)
    }
  }
}
