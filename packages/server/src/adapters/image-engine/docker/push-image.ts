import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../../errors.ts'
import {
  type Docker,
  type DockerMessage,
  DockerRefusal,
  readMessages,
} from '../../../docker/index.ts'
import type { ImageLogin, ImageOutput } from '../../../ports/image-engine.ts'

/** How Docker Hub is called where a login for it is kept. */
const dockerHub: Readonly<Record<string, string>> = { 'docker.io': 'https://index.docker.io/v1/' }
/** What engines and registries say where a login is missing, wrong, or not enough. */
const denied =
  /\bunauthorized\b|\bdenied\b|\bforbidden\b|no basic auth credentials|incorrect username or password|authentication required|\b40[13]\b/i
const digestPattern = /\bsha256:[0-9a-f]{64}\b/
/** Milliseconds for removing the name under which it was pushed. */
const untagMs = 10_000

/**
 * Pushes an image under another name, which it has at the engine only meanwhile. The login goes to the
 * engine in a header, and with its own connection to the registry only.
 */
export async function pushImage(
  docker: Docker,
  request: { image: string; target: string; login: ImageLogin | null },
  output: ImageOutput,
  signal: AbortSignal,
): Promise<{ digest: string }> {
  const { image, target, login } = request
  const { name, tag } = splitTag(target)
  await tagImage(docker, { image, name, tag }, signal)
  try {
    return await push(docker, { name, tag, login }, output, signal)
  } finally {
    if (image !== target) await untag(docker, target)
  }
}

async function tagImage(
  docker: Docker,
  { image, name, tag }: { image: string; name: string; tag: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await docker.json(
      {
        method: 'POST',
        path: `/images/${encodeURIComponent(image)}/tag`,
        query: { repo: name, tag },
      },
      signal,
    )
  } catch (error) {
    if (!(error instanceof DockerRefusal)) throw error
    const code = error.status === 404 ? 'resource_not_found' : 'invalid_request'
    throw new AppError(code, `The image ${image} cannot be pushed: ${error.message}`)
  }
}

async function push(
  docker: Docker,
  { name, tag, login }: { name: string; tag: string; login: ImageLogin | null },
  output: ImageOutput,
  signal: AbortSignal,
): Promise<{ digest: string }> {
  const refuse = (why: string) =>
    new AppError(
      denied.test(why) ? 'authorization_failed' : 'unavailable',
      `The push to ${name} failed: ${why.trim()}`,
    )
  const say = sayPush(output)
  let digest: string | null = null
  try {
    const answer = await docker.send(
      {
        method: 'POST',
        path: `/images/${encodeURIComponent(name)}/push`,
        query: { tag },
        headers: { 'x-registry-auth': headerOf(login) },
        answerMs: null,
      },
      signal,
    )
    for await (const message of readMessages(answer)) {
      const { error, errorDetail, aux } = message
      if (typeof error === 'string') throw refuse(errorDetail?.message ?? error)
      if (aux !== null && typeof aux === 'object' && 'Digest' in aux) digest = String(aux.Digest)
      // Older engines and others say it in words only.
      else digest = /\bdigest: (\S+)/.exec(message.status ?? '')?.[1] ?? digest
      await say(message)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    throw refuse(error instanceof Error ? error.message : String(error))
  }
  signal.throwIfAborted()
  if (digest === null || !digestPattern.test(digest)) throw refuse('the engine names no digest')
  output.progress(100)
  return { digest }
}

/** Prints what becomes of each layer, and how far all of them are together. */
function sayPush(output: ImageOutput) {
  const layers = new Map<string, { current: number; total: number }>()
  let best = 0
  return async ({ id, status, progressDetail }: DockerMessage): Promise<void> => {
    if (typeof status !== 'string') return
    const { current, total } = progressDetail ?? {}
    if (id !== undefined && typeof current === 'number') {
      // A compressed layer may turn out larger than was thought.
      layers.set(id, { current, total: Math.max(total ?? 0, current) })
      const sum = (key: 'current' | 'total') =>
        [...layers.values()].reduce((all, layer) => all + layer[key], 0)
      const percent = Math.min(99, Math.floor((sum('current') / Math.max(1, sum('total'))) * 100))
      if (percent > best) output.progress((best = percent))
      return
    }
    await output.write(Buffer.from(`${id === undefined ? '' : `${id}: `}${status}\n`))
  }
}

/** Base64 for URLs; the engine wants the header without a login, too. */
function headerOf(login: ImageLogin | null): string {
  const { username, password, serverAddress } = login ?? {}
  const content =
    serverAddress === undefined
      ? {}
      : { username, password, serveraddress: dockerHub[serverAddress] ?? serverAddress }
  // With its padding, which engines expect.
  return Buffer.from(JSON.stringify(content))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

/** What is left of the name is found by its label; the push has succeeded or failed without it. */
async function untag(docker: Docker, target: string): Promise<void> {
  const limit = AbortSignal.timeout(untagMs)
  for (let attempt = 1; attempt <= 2; attempt++) {
    try {
      await docker.json(
        {
          method: 'DELETE',
          path: `/images/${encodeURIComponent(target)}`,
          query: { noprune: '1' },
        },
        limit,
      )
      return
    } catch (error) {
      if (error instanceof DockerRefusal && error.status === 404) return
      await sleep(200)
    }
  }
}

/** The last colon separates the tag, unless it is that of the host's port. */
function splitTag(target: string): { name: string; tag: string } {
  const at = target.lastIndexOf(':')
  if (at <= target.lastIndexOf('/')) {
    throw new AppError('invalid_request', `${target} is not the name of an image with a tag`)
  }
  return { name: target.slice(0, at), tag: target.slice(at + 1) }
}
