import type { CallToolResult } from '@modelcontextprotocol/client'
import { McpFailure } from './mcp-failure.ts'

/** What a tool answered: `text` is it as it came, `data` the object that it is the JSON of. */
export interface ToolAnswer {
  text: string
  data: Readonly<Record<string, unknown>>
}

/** The JSON object in a tool's result; an `McpFailure` where there is none. */
export function readResult(result: CallToolResult): ToolAnswer {
  const text = textOf(result)
  if (result.isError === true) throw new McpFailure('tool_error', text.slice(0, 1_000))
  const data = parse(text)
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new McpFailure('nonsense', 'a result that is no object')
  }
  return { text, data: data as Record<string, unknown> }
}

function textOf({ content }: CallToolResult): string {
  for (const block of content) if (block.type === 'text') return block.text
  return ''
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new McpFailure('nonsense', 'a result that is no JSON')
  }
}
