import { buildErrorTypes } from '@slipway/contract/build-errors'
import type { ErrorCode } from '@slipway/contract/errors'
import { errorCodes } from '@slipway/contract/vocabulary'
import { STATUS_CODES } from 'node:http'
import { code, table } from './describe-schema.ts'

const meanings: Readonly<Record<ErrorCode, string>> = {
  invalid_request: 'Something in the request is wrong; the message names every problem.',
  authentication_failed: 'There is no valid token.',
  authorization_failed: 'The token’s roles do not allow this.',
  resource_not_found: 'There is no such thing, or the token may not see it.',
  method_not_allowed: 'There is something at this path, but not with this method; see `Allow`.',
  resource_conflict: 'It contradicts what is there: a name is taken, a state does not allow it.',
  gone: 'It was there, and is not kept any longer.',
  payload_too_large: 'The body is too large.',
  unsupported_media_type: 'The body is of a type that is not taken here.',
  limit_exceeded: 'Too many requests or too much at once; see `Retry-After`.',
  internal_error: 'Something went wrong on our side; the log has it, with the request’s id.',
  unavailable: 'Something that is needed does not answer; see `Retry-After`.',
}

export function errorsPage(): string {
  const rows = (Object.entries(errorCodes) as [ErrorCode, number][]).map(([word, status]) => [
    code(String(status)),
    code(word),
    buildErrorTypes[word],
    STATUS_CODES[status] ?? '',
    meanings[word],
  ])
  return `# Errors

An error has a status of HTTP, a word for programs, and a message for people. The word is the same for the same
reason everywhere; the body is that of the family which the path belongs to:

| Paths | Body |
| --- | --- |
| \`/v1\`, \`/metrics\` | \`{"error": {"code": "invalid_request", "message": "…", "details": {…}}}\` |
| \`/api\`, of builds | \`{"error": "Validation error", "message": "…"}\` |
| \`/api/v2/pipelines\` | \`{"error": "Bad Request", "details": "…"}\` |
| \`/api/jobs\`, \`/api/runners\` | \`{"success": false, "error": "…", "code": "invalid_request", "metadata": {…}}\` |

${table(['Status', '`code`', '`error` of builds', '`error` of pipelines', 'Meaning'], rows)}

Builds know four more words, where they say more than the status does: \`Database error\`, \`Execution error\`,
\`Download error\` and \`Resource in use\`.

Every answer has the header \`X-Request-Id\`, which is also in the lines of the server's [log](../logging.md).
`
}
