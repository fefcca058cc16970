import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'

/** One block of a stream of Server-Sent Events, as the WHATWG's algorithm reads it. */
export interface Block {
  id?: string
  event?: string
  data?: string
  retry?: string
  comment?: string
}

export interface OpenStream {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Every block so far. */
  readonly blocks: Block[]
  /** The blocks that a client would dispatch. */
  events(): Block[]
  /** The last event id that a client would come back with. */
  lastEventId(): string | undefined
  /** Whatever came, for an answer that is no stream. */
  text(): string
  /** Resolves with true when the response ended as it should, false when it broke off. */
  readonly ended: Promise<boolean>
  leave(): void
}

/** Opens a stream over a socket of its own, and keeps no state between two of them. */
export async function openStream(
  url: string,
  headers: Record<string, string> = {},
): Promise<OpenStream> {
  const outgoing = request(url, { headers, agent: false })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  outgoing.on('error', () => {})
  response.on('error', () => {})
  const blocks: Block[] = []
  let rest = ''
  let text = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop() ?? ''
    blocks.push(...parts.map(parseBlock))
  })
  const ended = new Promise<boolean>((resolve) => {
    response.once('close', () => resolve(response.complete))
  })
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    blocks,
    ended,
    events: () => blocks.filter((block) => block.data !== undefined),
    lastEventId: () => blocks.findLast((block) => block.id !== undefined)?.id,
    text: () => text,
    leave: () => void outgoing.destroy(),
  }
}

function parseBlock(text: string): Block {
  const block: Block = {}
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^ /, '')
    if (name === '') block.comment = value
    else if (name === 'id' || name === 'event' || name === 'retry') block[name] = value
    else if (name === 'data')
      block.data = block.data === undefined ? value : `${block.data}\n${value}`
    else throw new Error(`A line that is no field: ${JSON.stringify(line)}`)
  }
  return block
}
