import { setTimeout as pause } from 'node:timers/promises'
import type { ObjectStore } from '../ports/object-store.ts'
import type { LogFiles } from './log-files.ts'
import type { OpenWriter } from './write-log.ts'

/** A log that is open for its writer in this process. */
export interface HeldLog {
  writer: OpenWriter
  free: () => void
}

/** What is done with logs of this data directory that somebody elsewhere goes on with, or has gone on with. */
export interface LogHandOver {
  /**
   * Hands the log as it is to the object store, so that somebody elsewhere can go on with it. Whoever writes
   * it here is cut off: what they still write goes nowhere. Nothing happens where it is not live.
   */
  park(key: string): Promise<void>
  /** Deletes the log's files in the directory, which nobody writes; its objects stay. */
  discard(key: string): Promise<void>
  /**
   * Hands the log's file, which nobody writes and which is not the newest of its log, to the object store
   * under another key beside it, and answers that; null where there is nothing in it. With `onlyIfSealed`
   * nothing happens unless the log is an object, too.
   */
  setAside(key: string, onlyIfSealed: boolean): Promise<string | null>
}

const parkAttempts = 20
const parkPauseMs = 100

export function createLogHandOver(deps: {
  files: LogFiles
  objects: Pick<ObjectStore, 'head'>
  /** Null: somebody is at the files. */
  writers: Map<string, HeldLog | null>
  /** Closes the log if it is open for pieces. */
  release: (key: string) => Promise<void>
  /** Makes the log this one's to write, or throws. */
  claim: (key: string) => void
}): LogHandOver {
  const { files, objects, writers, release, claim } = deps

  const holding = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    claim(key)
    try {
      return await work()
    } finally {
      writers.delete(key)
    }
  }

  const parkOnce = async (key: string) => {
    const open = writers.get(key)
    await open?.writer.discard()
    open?.free()
    await release(key)
    await holding(key, () => files.seal(key))
  }

  return {
    async park(key) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await parkOnce(key)
        } catch (error) {
          // Its writer may just be handing it over.
          if (!(await files.isLive(key))) return
          if (attempt === parkAttempts) throw error
          await pause(parkPauseMs)
        }
      }
    },

    discard: (key) => holding(key, () => files.discard(key)),

    async setAside(key, onlyIfSealed) {
      if (onlyIfSealed && (await objects.head(key)) === null) return null
      return holding(key, () => files.setAside(key))
    },
  }
}
