/** Milliseconds within which the server has to say that it is there. */
const answerMs = 5_000

/** Why a part of the program, which is loaded when it is needed, is not here. */
export class PartError extends Error {
  /** `away`: no server answers. `gone`: it does, and does not have the part, since it has been upgraded. */
  readonly reason: 'away' | 'gone'

  constructor(reason: 'away' | 'gone', cause: unknown) {
    super(
      reason === 'away'
        ? `No answer from ${location.origin}.`
        : 'The server does not have this part of the page any more.',
      { cause },
    )
    this.name = 'PartError'
    this.reason = reason
  }
}

/**
 * Loads a part of the program (`import()`), a second time where the server is there all the same: what
 * failed then was the network.
 *
 * @throws PartError
 */
export async function loadPart<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!(await isThere())) throw new PartError('away', error)
  }
  await fetchAnew()
  try {
    return await load()
  } catch (error) {
    throw new PartError((await isThere()) ? 'gone' : 'away', error)
  }
}

/**
 * Fetches the files of all parts that were to be loaded until now. WebKit keeps a failure in place of a file,
 * even when the page is loaded anew, until the file is asked for like this.
 */
async function fetchAnew(): Promise<void> {
  const links = document.querySelectorAll<HTMLLinkElement>('link[rel="modulepreload"]')
  const signal = AbortSignal.timeout(answerMs)
  const fetchFile = async ({ href }: HTMLLinkElement) => {
    const response = await fetch(href, { cache: 'reload', signal })
    await response.arrayBuffer()
  }
  await Promise.allSettled([...links].map(fetchFile))
}

async function isThere(): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(answerMs)
    const { ok } = await fetch('/health', { cache: 'no-store', signal })
    return ok
  } catch {
    return false
  }
}
