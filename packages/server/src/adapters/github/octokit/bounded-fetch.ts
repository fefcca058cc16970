/** Bytes of an answer that are read; what GitHub is asked for here answers with far less. */
const longestAnswer = 10 * 1024 * 1024

/** Milliseconds that a request may take which comes without a signal of its own. */
const deadlineMs = 15_000

/** `fetch` that always ends, and whose answers break off with an error where they become too long. */
export const boundedFetch: typeof fetch = async (input, init) => {
  const signal = init?.signal ?? AbortSignal.timeout(deadlineMs)
  const response = await fetch(input, { ...init, signal })
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
