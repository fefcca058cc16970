import Type, { type Static, type TSchema } from 'typebox'
import { Timestamp } from './fields.ts'

// What every answer of `/api/jobs` and `/api/runners` is wrapped in. Source: GitHub-RunnerHub API
// Reference, "Common Response Format".

/** What every answer of the family says of itself. */
export const AnswerMetadata = Type.Object(
  {
    timestamp: Timestamp,
    version: Type.String({ description: 'Version of the server.' }),
  },
  { $id: 'AnswerMetadata' },
)
export type AnswerMetadata = Static<typeof AnswerMetadata>

/** The pages of a list; page 1 is the first. */
export const Pagination = Type.Object(
  {
    page: Type.Integer({ minimum: 1 }),
    limit: Type.Integer({ minimum: 1 }),
    total: Type.Integer({ minimum: 0 }),
    totalPages: Type.Integer({ minimum: 0 }),
  },
  { $id: 'Pagination' },
)
export type Pagination = Static<typeof Pagination>

const success = Type.Literal(true)

/** An answer with `data`, under a name of its own. */
export function Answer<Name extends string, Data extends TSchema>($id: Name, data: Data) {
  return Type.Object({ success, data, metadata: AnswerMetadata }, { $id })
}

/** An answer with a page of a list, newest first. */
export function PagedAnswer<Name extends string, Item extends TSchema>($id: Name, item: Item) {
  return Type.Object(
    { success, data: Type.Array(item), pagination: Pagination, metadata: AnswerMetadata },
    { $id },
  )
}

/** An answer with nothing to say but that it is done. */
export const DoneAnswer = Type.Object({ success, metadata: AnswerMetadata }, { $id: 'DoneAnswer' })
export type DoneAnswer = Static<typeof DoneAnswer>

/** The error body of the family. */
export const RunnerApiError = Type.Object(
  {
    success: Type.Literal(false),
    error: Type.String({ description: 'What is wrong, all of it, in one text.' }),
    code: Type.String({
      description:
        'A word for programs, as in `/v1`: invalid_request, resource_not_found and others.',
    }),
    metadata: AnswerMetadata,
  },
  { $id: 'RunnerApiError', description: 'Error body of /api/jobs and /api/runners.' },
)
export type RunnerApiError = Static<typeof RunnerApiError>
