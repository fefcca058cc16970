import type { Log } from '../db/log.ts'
import type { Admission } from './authenticate-socket.ts'

/** A client that was let in. */
export interface Admitted {
  readonly admission: Admission
  /** It may not stay: its credential is not good any more, or nobody can tell whether it is. */
  expel(why: 'invalid' | 'unknown'): void
}

/** Looks in a row that found nobody who could tell whether a credential is good. */
const unansweredChecks = 3

/**
 * Looks every so often whether the credentials of these clients are still good, each credential once for
 * all its clients, and expels those of which it is not so.
 */
export function checkCredentials(
  { log }: { log: Log },
  clients: Iterable<Admitted>,
  everyMs: number,
): { close(): void } {
  /** Looks in a row without an answer, by credential. */
  let unanswered = new Map<string, number>()
  let closed = false
  let checking = false

  async function check(): Promise<void> {
    const byCredential = new Map<string, Admitted[]>()
    for (const client of clients) {
      const { credential } = client.admission
      const same = byCredential.get(credential)
      if (same === undefined) byCredential.set(credential, [client])
      else same.push(client)
    }
    const stillUnanswered = new Map<string, number>()
    for (const [credential, same] of byCredential) {
      const [first] = same
      if (closed || first === undefined) return
      const isGood = await first.admission.stillValid().catch(() => null)
      if (isGood === true) continue
      const times = (unanswered.get(credential) ?? 0) + 1
      if (isGood === null && times < unansweredChecks) {
        stillUnanswered.set(credential, times)
        continue
      }
      for (const client of same) client.expel(isGood === null ? 'unknown' : 'invalid')
    }
    unanswered = stillUnanswered
  }

  const timer = setInterval(() => {
    if (checking) return
    checking = true
    check()
      .catch((error: unknown) => log.warn({ err: error }, 'Clients could not be checked'))
      .finally(() => void (checking = false))
  }, everyMs)
  timer.unref()
  return {
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}
