import Type, { type Static } from 'typebox'
import type { ErrorCode } from './errors.ts'

/**
 * The error body of the builds family (`/api`): what kind of error, and one message.
 * Source: Enhanced Pipeline API Documentation, "Error Responses".
 */
export const BuildApiError = Type.Object(
  {
    error: Type.String({
      description:
        'Kind of error: Validation error, Resource not found, Database error, Execution error, Download error and others.',
    }),
    message: Type.String({ description: 'What is wrong, all of it.' }),
  },
  { $id: 'BuildApiError', description: 'Error body of the /api family.' },
)
export type BuildApiError = Static<typeof BuildApiError>

/** The family's names of errors; those that the document does not name are for refusals it does not know. */
export const buildErrorTypes = {
  invalid_request: 'Validation error',
  authentication_failed: 'Authentication failed',
  authorization_failed: 'Permission denied',
  resource_not_found: 'Resource not found',
  method_not_allowed: 'Method not allowed',
  resource_conflict: 'Resource already exists',
  gone: 'Download error',
  payload_too_large: 'Payload too large',
  unsupported_media_type: 'Unsupported media type',
  limit_exceeded: 'Rate limit exceeded',
  internal_error: 'Server error',
  unavailable: 'Service unavailable',
} as const satisfies Record<ErrorCode, string>

/** All of them, with those that say more than their code does. */
export type BuildErrorType =
  | (typeof buildErrorTypes)[ErrorCode]
  | 'Database error'
  | 'Execution error'
  | 'Download error'
  | 'Resource in use'
  | 'Resource changed'
