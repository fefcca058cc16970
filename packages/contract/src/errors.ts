import Type, { type Static } from 'typebox'

/**
 * The error body of the platform family (`/v1`): one object under `error`.
 * Source: API & Operations Reference, "Error Response Format".
 */
export const PlatformError = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'A word of the closed list below; clients branch on it.' }),
      message: Type.String({ description: 'One sentence for a person.' }),
      details: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), { description: 'Additional context.' }),
      ),
    }),
  },
  { $id: 'PlatformError', description: 'Error body of the /v1 family.' },
)
export type PlatformError = Static<typeof PlatformError>

/**
 * Codes an application error may carry. The first six are the document's
 * "Common Error Codes"; the others name refusals that the document describes
 * without a code of their own.
 */
export const errorCodes = {
  invalid_request: 400,
  authentication_failed: 401,
  authorization_failed: 403,
  resource_not_found: 404,
  method_not_allowed: 405,
  resource_conflict: 409,
  gone: 410,
  payload_too_large: 413,
  unsupported_media_type: 415,
  limit_exceeded: 429,
  internal_error: 500,
  unavailable: 503,
} as const satisfies Record<string, number>
export type ErrorCode = keyof typeof errorCodes
