import Type, { type Static } from 'typebox'
import { Cursor, Limit, RepositoryName, Text, Timestamp, Uuid } from './fields.ts'

// Ours: "Full-text search across logs and metadata" of the document's "Potential Enhancements".

export const SearchKind = Type.Enum(['run', 'release', 'log'])
export type SearchKind = Static<typeof SearchKind>

export const SearchQuery = Type.Object(
  {
    q: Text({
      minLength: 1,
      maxLength: 500,
      description:
        'Words that must all be there, each as the beginning of a word; "a phrase", -without, one OR other.',
    }),
    kind: Type.Optional(SearchKind),
    repository: Type.Optional(RepositoryName),
    limit: Type.Optional(Limit),
    cursor: Type.Optional(Cursor({ minimum: 1, description: 'next_cursor of the page before.' })),
  },
  { $id: 'SearchQuery', additionalProperties: false },
)
export type SearchQuery = Static<typeof SearchQuery>

export const SearchResult = Type.Object(
  {
    kind: SearchKind,
    repository: Type.String(),
    at: Timestamp,
    run_id: Type.Optional(Uuid),
    release_id: Type.Optional(Uuid),
    project: Type.Optional(Type.String()),
    release_number: Type.Optional(Type.Integer()),
    phase: Type.Optional(Type.String()),
    step: Type.Optional(Type.String()),
    step_id: Type.Optional(Uuid),
    line: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Number of the line in the log.' }),
    ),
    excerpt: Type.String({ description: 'Text around what was found, at most 300 characters.' }),
    highlights: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()]), {
      description:
        'Where in the excerpt (UTF-16 units) the words are: from, and up to but not with.',
    }),
    path: Type.String({ description: 'Where the API has it.' }),
  },
  { $id: 'SearchResult' },
)
export type SearchResult = Static<typeof SearchResult>

export const SearchResponse = Type.Object(
  {
    results: Type.Array(SearchResult, { description: 'Newest first.' }),
    next_cursor: Type.Union([Type.Integer(), Type.Null()]),
  },
  { $id: 'SearchResponse' },
)
export type SearchResponse = Static<typeof SearchResponse>
