import { Readable } from 'node:stream'
import type { Docker } from './connect-docker.ts'

/** Milliseconds; a file system of many layers takes its time. */
const answerMs = 120_000

/** A request with a body in JSON. */
export async function postJson<T>(
  docker: Docker,
  path: string,
  body: unknown,
  signal: AbortSignal,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<T> {
  const text = Buffer.from(JSON.stringify(body))
  const headers = { 'content-type': 'application/json', 'content-length': String(text.length) }
  const sent = Readable.from([text], { objectMode: false })
  return docker.json<T>({ method: 'POST', path, query, headers, body: sent, answerMs }, signal)
}
