import { AppError } from '../../../errors.ts'
import { parseObject } from '../../../oci/index.ts'

/** The whole body of an answer. AppError `unavailable` when it is larger than what anybody asked for. */
export async function readBody(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  if (response.body === null) return Buffer.alloc(0)
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes) {
      throw new AppError('unavailable', `The registry answers with more than ${maxBytes} bytes`)
    }
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}

/** The body as a JSON object; null when it is none. */
export async function readJson(
  response: Response,
  maxBytes: number,
): Promise<Record<string, unknown> | null> {
  return parseObject(await readBody(response, maxBytes))
}

/** Frees the connection of an answer whose body nobody reads. */
export async function dropBody(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {})
}
