import type { SettingValues } from './settings.ts'

/** GitHub's MCP server. */
export interface GithubMcpConfig {
  endpoint:
    | { kind: 'http'; url: string }
    | { kind: 'stdio'; command: string; args: readonly string[] }
  /** Null: the server has one of its own. */
  token: string | null
}

/** What is wrong with these settings together. What was refused is undefined: that is told already. */
export function githubMcpProblems(values: SettingValues): string[] {
  const { GITHUB_MCP_URL: url, GITHUB_MCP_COMMAND: command, GITHUB_MCP_TOKEN: token } = values
  const problems: string[] = []
  if (typeof url === 'string' && Array.isArray(command)) {
    problems.push('GITHUB_MCP_COMMAND: either a command or GITHUB_MCP_URL, not both')
  }
  if (url === null && command === null && typeof token === 'string') {
    problems.push('GITHUB_MCP_TOKEN: has no meaning without GITHUB_MCP_URL or GITHUB_MCP_COMMAND')
  }
  const isOn = typeof url === 'string' || Array.isArray(command)
  if (isOn && values.GITHUB_TOKEN === null && values.GITHUB_APP_ID === null) {
    const name = typeof url === 'string' ? 'GITHUB_MCP_URL' : 'GITHUB_MCP_COMMAND'
    problems.push(`${name}: needs GITHUB_TOKEN or a GitHub App, for what that server cannot do`)
  }
  return problems
}

export function toGithubMcp(values: SettingValues): GithubMcpConfig | null {
  const { GITHUB_MCP_URL: url, GITHUB_MCP_COMMAND: words } = values
  const token = values.GITHUB_MCP_TOKEN ?? values.GITHUB_TOKEN
  if (url !== null) return { endpoint: { kind: 'http', url }, token }
  const [command, ...args] = words ?? []
  return command === undefined ? null : { endpoint: { kind: 'stdio', command, args }, token }
}
