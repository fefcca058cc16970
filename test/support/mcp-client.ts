import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'

/** Both generations of the protocol; `auto` takes the newest that the server speaks. */
export type Generation = 'legacy' | 'auto'

/** A client of the official SDK at `<url>/mcp`; gone after the test. */
export async function connectMcp(
  url: string,
  token: string,
  generation: Generation = 'legacy',
): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '0' },
    { versionNegotiation: { mode: generation } },
  )
  onTestFinished(() => client.close())
  await client.connect(
    new StreamableHTTPClientTransport(new URL('/mcp', url), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  )
  return client
}

/** Calls a tool, which must succeed, and answers its structured content. */
export async function callTool<T>(
  client: Client,
  name: string,
  given: Record<string, unknown> = {},
): Promise<T> {
  const { isError, content, structuredContent } = await client.callTool({ name, arguments: given })
  if (isError === true) throw new Error(`${name}: ${JSON.stringify(content)}`)
  return structuredContent as T
}

/** Calls a tool, which must be refused, and answers the error's body, the same in text as in structure. */
export async function refusalOf(
  client: Client,
  name: string,
  given: Record<string, unknown> = {},
): Promise<unknown> {
  const { isError, content, structuredContent } = await client.callTool({ name, arguments: given })
  const [first] = content
  const text = first?.type === 'text' ? first.text : ''
  if (isError !== true) throw new Error(`${name} was not refused: ${text}`)
  if (JSON.stringify(structuredContent) !== text) throw new Error(`${name} says two things`)
  return structuredContent
}
