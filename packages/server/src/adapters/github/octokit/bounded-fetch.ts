import { inSpan, type SpanOptions } from '../../../correlation.ts'

/** Bytes of an answer that are read; what GitHub is asked for here answers with far less. */
const longestAnswer = 10 * 1024 * 1024

/** Milliseconds that a request may take which comes without a signal of its own. */
const deadlineMs = 15_000

/** `fetch` that always ends, and whose answers break off with an error where they become too long. */
export const boundedFetch: typeof fetch = async (input, init) => {
  const signal = init?.signal ?? AbortSignal.timeout(deadlineMs)
  const response = await inSpan('github request', describe(input, init?.method), async (span) => {
    const answered = await fetch(input, { ...init, signal })
    span?.set({ 'http.response.status_code': answered.status })
    if (answered.status >= 400) span?.fail(new Error(String(answered.status)))
    return answered
  })
  if (response.body === null) return response
  let size = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength
      if (size > longestAnswer) controller.error(new Error('the answer is too long'))
      else controller.enqueue(chunk)
    },
  })
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(counted), { status, statusText, headers })
}

/** Never the query, which may hold anything. */
function describe(input: Parameters<typeof fetch>[0], method = 'GET'): SpanOptions {
  const { host, pathname } = new URL(input instanceof Request ? input.url : input)
  return {
    kind: 'client',
    attributes: { 'http.request.method': method, 'server.address': host, 'url.path': pathname },
  }
}
