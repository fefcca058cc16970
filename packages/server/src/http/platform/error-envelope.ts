import { STATUS_CODES } from 'node:http'
import type { ErrorCode, PlatformError } from '@slipway/contract/errors'
import { errorCodes } from '@slipway/contract/vocabulary'
import type { ErrorObject } from 'ajv'
import { AppError } from '../../errors.ts'
import { describeProblems } from '../describe-problems.ts'

/** What an error is to a client of `/v1`. */
export interface ErrorAnswer {
  status: number
  body: PlatformError
  /** Nobody foresaw it: it belongs into the server's log. */
  unforeseen: boolean
}

/**
 * Turns whatever was thrown into the family's error body. What is neither an `AppError` nor a
 * refusal of the HTTP layer is `internal_error`, of which a client learns the request id only.
 */
export function toErrorAnswer(error: unknown, requestId: string): ErrorAnswer {
  if (error instanceof AppError) return refusal(error.code, error.message, error.details)
  const { code, statusCode, validation, validationContext } = asHttpError(error)
  if (validation !== undefined) return invalidInput(validation, validationContext)
  if (code !== undefined) {
    const known = ofHttpLayer[code] ?? ofDatabase[code]
    if (known !== undefined) return refusal(...known)
    if (code.startsWith('FST_') && statusCode !== undefined && statusCode < 500) {
      return refusal(
        'invalid_request',
        STATUS_CODES[statusCode] ?? 'The request cannot be understood',
      )
    }
  }
  return {
    status: errorCodes.internal_error,
    body: {
      error: {
        code: 'internal_error',
        message: 'Something went wrong on our side',
        details: { request_id: requestId },
      },
    },
    unforeseen: true,
  }
}

/** The refusals of Fastify, by its codes. */
const ofHttpLayer: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'The body is larger than 10 MB'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'The body must be application/json'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_request', 'The body is not valid JSON'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_request', 'The body is empty'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'invalid_request',
    'The body is not as long as Content-Length says',
  ],
  FST_ERR_BAD_URL: ['invalid_request', 'The path is not validly encoded'],
}

const tooLong: [ErrorCode, string] = ['unavailable', 'The database took too long; try again later']

/** What PostgreSQL ended because of its time limits, by SQLSTATE. */
const ofDatabase: Readonly<Record<string, [ErrorCode, string]>> = {
  '57014': tooLong,
  '55P03': tooLong,
}

function refusal(code: ErrorCode, message: string, details?: Record<string, unknown>): ErrorAnswer {
  const error = details === undefined ? { code, message } : { code, message, details }
  return { status: errorCodes[code], body: { error }, unforeseen: false }
}

function invalidInput(errors: readonly ErrorObject[], context: string | undefined): ErrorAnswer {
  const { message, problems } = describeProblems(errors, context)
  return refusal('invalid_request', message, { problems })
}

interface HttpError {
  code?: string
  statusCode?: number
  validation?: ErrorObject[]
  validationContext?: string
}

function asHttpError(error: unknown): HttpError {
  return error instanceof Error ? (error as HttpError) : {}
}
