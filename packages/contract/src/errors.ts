import Type, { type Static } from 'typebox'
import type { errorCodes } from './vocabulary.ts'

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

export type ErrorCode = keyof typeof errorCodes
