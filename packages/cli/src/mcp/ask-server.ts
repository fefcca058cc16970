import { SlipwayError } from '@slipway/sdk'

/**
 * `fetch`, for the messages of an MCP client to a Slipway server.
 *
 * @throws SlipwayError where there is no answer, or the answer to a message is a refusal
 */
export async function askServer(url: string | URL, init?: RequestInit): Promise<Response> {
  const { origin } = new URL(url)
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    init?.signal?.throwIfAborted()
    const message = `No answer from ${origin}`
    throw new SlipwayError({ status: 0, code: 'network_error', message, cause: error })
  }
  // What is no message asks for a stream of notifications, of which there are none.
  if (response.ok || init?.method !== 'POST') return response
  throw await readRefusal(response)
}

async function readRefusal(response: Response): Promise<SlipwayError> {
  const { status } = response
  const requestId = response.headers.get('x-request-id') ?? undefined
  const body: unknown = await response.json().catch(() => null)
  const error = isRecord(body) && isRecord(body.error) ? body.error : {}
  // In an answer of `/mcp` the code of the API is in the error's data.
  const { code, details } = isRecord(error.data) ? error.data : error
  const { message } = error
  if (typeof code !== 'string' || typeof message !== 'string') {
    return new SlipwayError({
      status,
      code: 'invalid_response',
      message: `The server answered ${status} without saying why`,
      requestId,
    })
  }
  return new SlipwayError({
    status,
    code,
    message,
    details: isRecord(details) ? details : undefined,
    requestId,
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
