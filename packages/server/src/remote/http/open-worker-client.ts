import { setTimeout as pause } from 'node:timers/promises'
import type { LongWorkMessage } from '@slipway/contract/worker-runs'
import { AppError } from '../../errors.ts'
import { giveUpMs } from '../../jobs/index.ts'
import { readLines } from '../../ports/read-lines.ts'
import type { WorkerApi } from '../../ports/worker-api.ts'
import { NoAnswer } from './no-answer.ts'
import { readRefusal, readText, readValue, toError } from './read-answer.ts'
import type { WorkerToken } from './worker-token.ts'

/** Milliseconds until an answer has come whole. */
const answerMs = 30_000
/** Milliseconds that work which takes long may say nothing; it says so every ten seconds. */
const silenceMs = 45_000
/** Milliseconds between two tries. */
const firstPauseMs = 100
const longestPauseMs = 5_000

export interface AskOptions {
  body?: unknown
  /** Default 30,000. */
  answerMs?: number
  /**
   * What is done where there is no answer. `never`: whoever asked sees to it. `unsent`: it is asked again where
   * it is certain that nothing happened. `always`: it is asked again, since it may happen twice. Both for as
   * long as a worker may hold its jobs without an answer.
   */
  repeat: 'never' | 'unsent' | 'always'
  signal?: AbortSignal
}

/**
 * Asks the servers for something. Rejects with the `AppError` that the server has thrown, else with a
 * `NoAnswer`, of which nobody knows whether it happened, or with the reason of `signal`.
 */
export interface WorkerClient {
  ask<T>(method: string, path: string, options: AskOptions): Promise<T>
  /** Asks for work that takes long, and may be done twice; asks again where it breaks off. */
  work<T>(path: string, signal: AbortSignal): Promise<T>
  /** Does with requests of its own what may be done twice; does it again where one has no answer. */
  persist<T>(once: () => Promise<T>, signal: AbortSignal): Promise<T>
}

export function openWorkerClient(deps: {
  api: WorkerApi
  token: Pick<WorkerToken, 'reload'>
}): WorkerClient {
  const { api, token } = deps

  async function askOnce(method: string, path: string, options: AskOptions): Promise<unknown> {
    const late = AbortSignal.timeout(options.answerMs ?? answerMs)
    const signal = options.signal === undefined ? late : AbortSignal.any([late, options.signal])
    const body = options.body === undefined ? null : Buffer.from(JSON.stringify(options.body))
    try {
      const answer = await api.request(method, path, {
        signal,
        ...(body === null ? {} : { body, headers: { 'content-type': 'application/json' } }),
      })
      const text = await readText(answer)
      if (answer.status >= 200 && answer.status < 300) return readValue(text)
      throw readRefusal(answer.status, text)
    } catch (error) {
      options.signal?.throwIfAborted()
      throw asNoAnswer(error)
    }
  }

  async function workOnce(path: string, signal: AbortSignal): Promise<unknown> {
    const silent = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const heard = () => {
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(new Error('nothing was heard any more')), silenceMs)
    }
    try {
      heard()
      const stop = AbortSignal.any([signal, silent.signal])
      const answer = await api.request('POST', path, { signal: stop })
      if (answer.status !== 200) throw readRefusal(answer.status, await readText(answer))
      for await (const line of readLines(answer.body)) {
        heard()
        const message = readValue(line) as LongWorkMessage
        if (message.type === 'done') return message.result
        if (message.type === 'failed') throw toError(message.error)
      }
      throw new NoAnswer('the answer broke off', { mayHaveHappened: true })
    } catch (error) {
      signal.throwIfAborted()
      throw asNoAnswer(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Once more with the token of a file that has changed. */
  async function withFreshToken<T>(once: () => Promise<T>): Promise<T> {
    try {
      return await once()
    } catch (error) {
      const isRefused = error instanceof AppError && error.code === 'authentication_failed'
      if (!isRefused || !(await token.reload())) throw error
      return once()
    }
  }

  return {
    async ask<T>(method: string, path: string, options: AskOptions): Promise<T> {
      const again = (error: NoAnswer) =>
        options.repeat === 'always' || (options.repeat === 'unsent' && !error.mayHaveHappened)
      const once = () => withFreshToken(() => askOnce(method, path, options))
      return (await repeatWhile(again, once, options.signal)) as T
    },
    async work<T>(path: string, signal: AbortSignal): Promise<T> {
      const once = () => withFreshToken(() => workOnce(path, signal))
      return (await repeatWhile(() => true, once, signal)) as T
    },
    persist(once, signal) {
      const attempt = async () => {
        try {
          return await once()
        } catch (error) {
          signal.throwIfAborted()
          throw asNoAnswer(error)
        }
      }
      return repeatWhile(
        () => true,
        () => withFreshToken(attempt),
        signal,
      )
    },
  }
}

async function repeatWhile<T>(
  again: (error: NoAnswer) => boolean,
  once: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const until = performance.now() + giveUpMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await once()
    } catch (error) {
      if (!(error instanceof NoAnswer) || !again(error)) throw error
      // Not all at the same moment, when a server is back.
      const waitMs = pauseMs * (0.5 + Math.random())
      if (performance.now() + waitMs > until) throw error
      await pause(waitMs, undefined, signal === undefined ? {} : { signal })
    }
  }
}

/** What happens on the way to a server, before it has heard anything. */
const unsent: ReadonlySet<string> = new Set(['connect', 'getaddrinfo'])

function asNoAnswer(error: unknown): unknown {
  if (error instanceof AppError || error instanceof NoAnswer) return error
  const { message = String(error), syscall = '' } = error as Partial<NodeJS.ErrnoException>
  return new NoAnswer(message, { mayHaveHappened: !unsent.has(syscall), cause: error })
}
