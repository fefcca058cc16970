import { SlipwayError } from '@slipway/sdk'
import { csrfHeaders } from './csrf.ts'

const deadlineMs = 15_000

/** A request about the session itself, which no token carries. */
export async function request(path: string, init: RequestInit): Promise<unknown> {
  const deadline = AbortSignal.timeout(deadlineMs)
  const response = await fetch(`/${path}`, {
    ...init,
    credentials: 'same-origin',
    signal: init.signal ? AbortSignal.any([init.signal, deadline]) : deadline,
    headers: {
      accept: 'application/json',
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...csrfHeaders(),
    },
  })
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  if (response.ok) return body
  const { code = 'unknown', message = response.statusText } =
    (body as { error?: { code?: string; message?: string } } | undefined)?.error ?? {}
  throw new SlipwayError({ status: response.status, code, message })
}
