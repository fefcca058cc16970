import type { Transport } from '@modelcontextprotocol/client'
import { boundedFetch } from '../octokit/bounded-fetch.ts'

/** Where GitHub's MCP server is. */
export type McpEndpoint =
  /** Streamable HTTP. */
  | { kind: 'http'; url: string }
  /** A child process on its standard streams; no shell looks at the words. */
  | { kind: 'stdio'; command: string; args: readonly string[] }

export interface TransportInput {
  endpoint: McpEndpoint
  /** Null: the server has one of its own. */
  token: string | null
  /** GitHub's API, which a child is told where it is not github.com. */
  apiUrl: string
}

/** The official server shows tools for workflows only where they are asked for. */
const toolset = 'actions'

/** Not yet started. The token goes by header or environment, never by an argument. */
export async function openTransport(input: TransportInput): Promise<Transport> {
  const { endpoint, token, apiUrl } = input
  if (endpoint.kind === 'http') {
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
    return new StreamableHTTPClientTransport(new URL(endpoint.url), {
      fetch: fetchAnswers,
      requestInit: {
        redirect: 'error',
        headers: {
          'user-agent': 'slipway',
          'x-mcp-toolsets': toolset,
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
      },
    })
  }
  const { StdioClientTransport, getDefaultEnvironment } =
    await import('@modelcontextprotocol/client/stdio')
  const host = hostOf(apiUrl)
  return new StdioClientTransport({
    command: endpoint.command,
    args: [...endpoint.args],
    env: {
      ...getDefaultEnvironment(),
      GITHUB_TOOLSETS: toolset,
      ...(host === null ? {} : { GITHUB_HOST: host }),
      ...(token === null ? {} : { GITHUB_PERSONAL_ACCESS_TOKEN: token }),
    },
    // What it writes there may hold anything.
    stderr: 'ignore',
  })
}

/** What the official server calls the GitHub whose API this is; null: github.com. */
export function hostOf(apiUrl: string): string | null {
  const { origin, hostname } = new URL(apiUrl)
  if (hostname === 'api.github.com') return null
  // In GitHub's own cloud the API has a host of its own, which that server makes itself.
  return hostname.endsWith('.ghe.com') ? origin.replace('://api.', '://') : origin
}

/** A GET would be a stream of what the server says unasked: nothing of that is needed. */
const fetchAnswers: typeof fetch = async (input, init) =>
  init?.method === 'GET' ? new Response(null, { status: 405 }) : boundedFetch(input, init)
