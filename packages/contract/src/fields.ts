import Type from 'typebox'

/** Neither NUL nor half a surrogate pair: PostgreSQL stores neither. Read with the flag `u`, as JSON Schema says. */
export const textPattern = '^[^\\u0000\\uD800-\\uDFFF]*$'

/** A text of the caller's that is stored or looked for as it is. */
export const Text = (options: { minLength?: number; maxLength: number; description?: string }) =>
  Type.String({ ...options, pattern: textPattern })

/** RFC 9562 UUID, lower case. */
export const Uuid = Type.String({ format: 'uuid', description: 'UUID (RFC 9562).' })

/** RFC 3339 instant in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const Timestamp = Type.String({
  format: 'date-time',
  description: 'Instant (RFC 3339, UTC, milliseconds).',
})

/** An instant or null, as one schema: a union would have every answer validated as it is written. */
export const NullableTimestamp = Type.Unsafe<string | null>({
  ...Timestamp,
  type: ['string', 'null'],
})

/** What a change is made to, where two people may change the same. */
export const UnchangedSince = Type.Unsafe<string>({
  ...Timestamp,
  description:
    'The `updated_at` that the change is made to: refused (409) where somebody else has changed it since.',
})

/** `owner/name`, each of GitHub's characters; at most 140 in all. It is a path below directories: no `.`, no `..`. */
export const RepositoryName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,98}/(?!\\.{1,2}$)[A-Za-z0-9._-]{1,100}$',
  maxLength: 140,
  description: 'Repository as owner/name.',
})

/** 7 to 40 hexadecimal digits; what is shorter than 40 is resolved in discovery. */
export const CommitSha = Type.String({
  pattern: '^[0-9a-fA-F]{7,40}$',
  description: 'Commit, 7 to 40 hexadecimal digits.',
})

/** A branch name, or `refs/tags/x` for a tag; git-check-ref-format(1) is applied by the server. */
export const RefName = Text({
  minLength: 1,
  maxLength: 255,
  description: 'Branch name, or refs/tags/<name> for a tag.',
})

/** Results per page of a list. */
export const Limit = Type.Integer({
  minimum: 1,
  maximum: 100,
  default: 20,
  description: 'Results per page.',
})

/** Number of an entry, an event or a line: what a list or a stream goes on from. */
export const Cursor = (options: { minimum: number; description: string }) =>
  Type.Integer({ ...options, maximum: Number.MAX_SAFE_INTEGER })

/** Rows to skip, counted from the newest. */
export const Offset = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  default: 0,
  description: 'Results to skip.',
})
