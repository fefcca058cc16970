/** The issuer did not answer, or not with what it has to: nothing can be told of its tokens by it. */
export class IssuerUnavailable extends Error {
  override readonly name = 'IssuerUnavailable'
}

/** Bytes of a discovery document or a key set. */
const maxBytes = 1024 * 1024

/** Gets a JSON object; whatever else comes, or nothing within the time, is an `IssuerUnavailable`. */
export async function fetchJson(url: URL, timeoutMs: number): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`it answered with ${response.status}`)
    }
    const content: unknown = JSON.parse(await readText(response))
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
      return content as Record<string, unknown>
    }
    throw new Error('its answer is no object')
  } catch (error) {
    throw new IssuerUnavailable(`${url.href} could not be read`, { cause: error })
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array
    size += bytes.byteLength
    if (size > maxBytes) throw new Error('its answer is too long')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
