/**
 * The body's text as it arrives. Ends by itself where the body ends; throws when it breaks off,
 * or when nothing comes for `idleMs`. Releases the connection however the loop over it ends.
 */
export async function* readText(
  response: Response,
  idleMs: number,
): AsyncGenerator<string, void, undefined> {
  const body: ReadableStream<Uint8Array> | null = response.body
  const reader = body?.getReader()
  if (!reader) return
  const decoder = new TextDecoder()
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    for (;;) {
      const idle = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`Nothing came for ${idleMs} ms`)), idleMs)
      })
      const { done, value } = await Promise.race([reader.read(), idle])
      clearTimeout(timer)
      const text = decoder.decode(value, { stream: !done })
      if (text) yield text
      if (done) return
    }
  } finally {
    clearTimeout(timer)
    reader.cancel().catch(() => {})
  }
}
