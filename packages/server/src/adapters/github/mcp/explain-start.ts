import { GitHubError } from '../../../ports/github.ts'
import { explainFailure } from '../octokit/explain-failure.ts'
import { McpFailure } from './mcp-failure.ts'

/**
 * What it means that the tool which starts a workflow failed after it was called. Where it repeats GitHub's
 * status, nothing was started; of anything else nobody knows.
 */
export function explainStart(
  error: unknown,
  what: string,
  mask: (text: string) => string,
): GitHubError {
  const said = mask(error instanceof Error ? error.message : 'unknown')
  if (error instanceof McpFailure && error.reason === 'tool_error') {
    const [, status, message = ''] = /: ([45]\d\d) (.*)$/s.exec(said) ?? []
    const isLimit = /rate limit/i.test(said)
    if (status !== undefined || isLimit) {
      const answer = {
        status: isLimit ? 429 : Number(status),
        headers: {},
        body: { message: isLimit ? said : message.replace(/ \[\]\s*$/, '') },
      }
      return explainFailure(answer, what, Date.now())
    }
  }
  return new GitHubError(
    'away',
    `${what}: GitHub's MCP server did not say whether it was started (${said.slice(0, 200)})`,
  )
}
