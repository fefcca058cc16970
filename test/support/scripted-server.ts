import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type ClientOptions, createClient, SlipwayError } from '@slipway/sdk'
import { expect, onTestFinished } from 'vitest'

export interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}
export type Answer = (response: ServerResponse, request: Seen) => void

/** A real server; each request takes the next answer, the last one for good. */
export async function serve(...answers: Answer[]) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const entry = { method: request.method!, url: request.url!, headers: request.headers, body }
      seen.push(entry)
      answers[Math.min(seen.length, answers.length) - 1]!(response, entry)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = (options: Partial<ClientOptions> = {}) =>
    createClient({ baseUrl, token: 'slw_secret', retries: { baseDelayMs: 1 }, ...options })
  return { seen, baseUrl, client }
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
export const failure = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(status, { error: { code, message: `It is ${code}.`, details: { id: 'x' } } }, headers)
export const hangUp: Answer = (response) => void response.destroy()
export const stream =
  (blocks: string, then: 'end' | 'break' | 'stay' = 'end'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(blocks, () => {
      if (then === 'end') response.end()
      if (then === 'break') setImmediate(() => response.destroy())
    })
  }
export async function take<T>(
  from: AsyncIterable<T>,
  most = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const taken: T[] = []
  for await (const item of from) {
    taken.push(item)
    if (taken.length >= most) break
  }
  return taken
}
export const errorOf = async (promise: Promise<unknown>): Promise<SlipwayError> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SlipwayError)
  return error as SlipwayError
}
