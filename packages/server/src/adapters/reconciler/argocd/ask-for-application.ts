/** Of an answer that is read: an application with thousands of resources has less. */
const mostBytes = 16 * 1024 * 1024

/** An application as Argo CD tells it, or why there is none to judge. */
export type ApplicationAnswer = { application: unknown } | { reason: string }

/** `GET /api/v1/applications/{name}`. Rejects when there was no answer. */
export async function askForApplication(
  server: { url: string; token: string },
  input: { name: string; signal: AbortSignal },
): Promise<ApplicationAnswer> {
  const { name, signal } = input
  const path = `/api/v1/applications/${encodeURIComponent(name)}?refresh=normal`
  const response = await fetch(`${server.url}${path}`, {
    headers: { authorization: `Bearer ${server.token}`, accept: 'application/json' },
    // The token is for this server alone.
    redirect: 'manual',
    signal,
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    return { reason: refusal(response.status, name) }
  }
  const text = await readText(response)
  if (text === null) return { reason: `Argo CD said more than ${mostBytes} bytes of ${name}` }
  try {
    return { application: JSON.parse(text) as unknown }
  } catch {
    return { reason: 'Argo CD answered with something that is not JSON' }
  }
}

function refusal(status: number, name: string): string {
  if (status === 401) return 'Argo CD does not know the token'
  // It also says so of an application that there is not.
  if (status === 403) return `Argo CD has no application ${name}, or the token may not see it`
  if (status === 404) return `Argo CD has no application ${name}`
  return `Argo CD answered with status ${status}`
}

async function readText(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  if (body === null) return ''
  for await (const chunk of body) {
    size += chunk.length
    if (size > mostBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
