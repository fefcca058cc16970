/** Bytes that the engine's `local` log takes for an entry beside its text, and that a frame has besides. */
const entryOverhead = 29
const frameOverhead = 32
/** Part of the file's size by which the guess may be wrong. */
const margin = 0.05

/**
 * Guesses when the engine rotates a container's log. A reading that follows it then may never be told of
 * anything again, and the container stands still (Docker 20.10): to be cured by reading anew.
 */
export interface RotationGuess {
  /** Entries have come. */
  add(frames: readonly Buffer[]): void
  /** Whether a silence now may be due to that; true once for what has come. */
  take(): boolean
}

export function createRotationGuess(fileBytes: number): RotationGuess {
  let size = 0
  let isNew = false

  return {
    add(frames) {
      for (const { length } of frames) size += length - frameOverhead + entryOverhead
      while (size > fileBytes * (1 + margin)) size -= fileBytes
      isNew = true
    },
    take() {
      const isNear = size > fileBytes * (1 - margin) || size < fileBytes * margin
      const isLikely = isNew && isNear
      isNew = false
      return isLikely
    },
  }
}
