import type { Logger } from 'pino'

/** What has been opened, to be closed in the opposite order. */
export interface Resources {
  /** Remembers how to close something; answers it. */
  add<T>(name: string, resource: T, close: (resource: T) => Promise<unknown>): T
  /** Closes everything, each within its deadline, whatever the others do. Repeating is harmless. */
  close(): Promise<void>
}

/** Milliseconds that one resource may take to close. */
const closeMs = 15_000

export function createResources(log: Logger): Resources {
  const open: { name: string; close: () => Promise<unknown> }[] = []

  async function closeAll(): Promise<void> {
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { name, close } = next
      let timer: NodeJS.Timeout | undefined
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not closed within ${closeMs} ms`)), closeMs)
      })
      try {
        await Promise.race([close(), late])
      } catch (error) {
        log.warn({ err: error, resource: name }, 'something could not be closed')
      } finally {
        clearTimeout(timer)
      }
    }
  }

  let closing: Promise<void> | undefined
  return {
    add(name, resource, close) {
      open.push({ name, close: () => close(resource) })
      return resource
    },
    close: () => (closing ??= closeAll()),
  }
}
