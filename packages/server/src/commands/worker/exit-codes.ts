/** How a worker's process ends, for the one that starts it again. */
export const exitCodes = {
  /** As it was told. */
  ended: 0,
  /** Something went wrong that may pass. */
  failed: 1,
  /** Starting it again would change nothing: EX_CONFIG of sysexits(3). */
  forGood: 78,
} as const
