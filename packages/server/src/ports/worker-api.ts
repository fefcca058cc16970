import type { Readable } from 'node:stream'

/**
 * The API of the servers as a worker on another machine reaches it: their URL, and its own token.
 *
 * Resolves with whatever is answered, errors too; rejects when there is no answer. Nothing is tried again
 * within: who asks knows whether that is harmless. A body that was handed out must be consumed or destroyed.
 */
export interface WorkerApi {
  /** `path` begins with `/v1/` and may have a query. There is no time limit but `signal`. */
  request(
    method: string,
    path: string,
    options?: {
      body?: Buffer | Readable
      headers?: Readonly<Record<string, string>>
      signal?: AbortSignal
    },
  ): Promise<WorkerApiAnswer>
}

export interface WorkerApiAnswer {
  status: number
  /** By their names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  body: Readable
}
