import type { Logger } from 'pino'
import { createMcpActions, type McpObserver } from '../adapters/github/mcp/create-mcp-actions.ts'
import type { Config } from '../config/read-config.ts'
import type { GitHubActions } from '../ports/github-actions.ts'
import type { Resources } from '../resources.ts'

/** GitHub's workflows by its MCP server where the settings name one, else by `rest`. */
export function openGithubMcp(
  config: Config,
  log: Logger,
  opened: {
    /** Null: GitHub cannot be asked. */
    rest: GitHubActions | null
    version: string
    /** Told of every operation that the API was asked for instead. */
    fallback: McpObserver['fallback']
  },
  resources: Resources,
): GitHubActions | null {
  const { rest, version, fallback } = opened
  const { mcp, apiUrl } = config.github
  if (mcp === null || rest === null) return rest
  const actions = createMcpActions({
    ...mcp,
    apiUrl,
    rest,
    version,
    observe: {
      fallback,
      connected: (tools) => log.info({ tools: tools.length }, 'connected to GitHub’s MCP server'),
      lost: (why) => log.warn({ why }, 'GitHub’s MCP server cannot be asked: its API is, instead'),
    },
  })
  return resources.add('github mcp', actions, (started) => started.close())
}
