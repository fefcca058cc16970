import { errorCodes } from '@slipway/contract/vocabulary'

export interface SlipwayErrorInput {
  status: number
  code: string
  message: string
  details?: Record<string, unknown> | undefined
  requestId?: string | undefined
  cause?: unknown
}

/**
 * A request that did not succeed. `code` is one of the contract's error codes where the server
 * answered; `network_error` (no answer), `timeout` (none in time) and `invalid_response` (not the
 * contract's) have no answer of the contract behind them, and the first two have `status` 0.
 * An aborted signal is not such an error: its own reason is thrown.
 */
export class SlipwayError extends Error {
  override readonly name = 'SlipwayError'
  readonly status: number
  readonly code: string
  readonly details: Record<string, unknown> | undefined
  /** Names the request in the server's logs and audit log. */
  readonly requestId: string | undefined

  constructor(input: SlipwayErrorInput) {
    super(input.message, input.cause === undefined ? undefined : { cause: input.cause })
    this.status = input.status
    this.code = input.code
    this.details = input.details
    this.requestId = input.requestId
  }
}

const MAX_BODY_SHOWN = 200
const retryAfters = new WeakMap<SlipwayError, string | null>()

/** `Retry-After` of the answer that an error was made from; null where there was none. */
export function retryAfterOf(error: unknown): string | null {
  return (error instanceof SlipwayError && retryAfters.get(error)) || null
}

/** Reads the error of an answer; whatever answered instead of Slipway gets a code of our own. */
export async function errorFromResponse(response: Response): Promise<SlipwayError> {
  const error = await readError(response)
  retryAfters.set(error, response.headers.get('retry-after'))
  return error
}

async function readError(response: Response): Promise<SlipwayError> {
  const { status } = response
  const requestId = response.headers.get('x-request-id') ?? undefined
  let text = ''
  try {
    text = await response.text()
    const envelope = readEnvelope(JSON.parse(text), status)
    if (envelope) return new SlipwayError({ status, requestId, ...envelope })
  } catch {
    // Not JSON, or cut off: told below with what there is.
  }
  const shown = text.replace(/\s+/g, ' ').trim().slice(0, MAX_BODY_SHOWN)
  return new SlipwayError({
    status,
    code: 'invalid_response',
    message: `The server answered ${status}${shown ? `: ${shown}` : ' without saying why'}`,
    requestId,
  })
}

function readEnvelope(body: unknown, status: number) {
  if (!isRecord(body)) return null
  // The family of delegated jobs puts the code beside the message.
  if (body.success === false && typeof body.error === 'string' && typeof body.code === 'string') {
    return { code: body.code, message: body.error, details: undefined }
  }
  // The families below /api name the kind of error in words; its status says which code that is.
  const text = typeof body.details === 'string' ? body.details : body.message
  if (typeof body.error === 'string' && typeof text === 'string') {
    const [code] = Object.entries(errorCodes).find(([, known]) => known === status) ?? []
    return code === undefined ? null : { code, message: text, details: undefined }
  }
  if (!isRecord(body.error)) return null
  const { code, message, details } = body.error
  if (typeof code !== 'string' || typeof message !== 'string') return null
  return { code, message, details: isRecord(details) ? details : undefined }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** No answer, and answers of proxies and of servers that stop or are full, may be better next time. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof SlipwayError)) return false
  return error.status === 0 || error.status === 429 || [502, 503, 504].includes(error.status)
}
