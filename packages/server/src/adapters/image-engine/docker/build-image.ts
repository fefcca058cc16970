import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../../errors.ts'
import { type Docker, DockerRefusal, readMessages } from '../../../docker/index.ts'
import type { BuiltImage, ImageBuild, ImageOutput } from '../../../ports/image-engine.ts'
import { type BuildFollower, followBuild } from './follow-build.ts'
import { openSession } from './open-session.ts'

/** Bytes of a request's first line that every engine takes; Go's own limit is a megabyte. */
const maxQueryBytes = 800_000
/** Milliseconds for removing what a failed build left. */
const cleanUpMs = 10_000
/** BuildKit, which Dockerfiles of today need (`--platform=$BUILDPLATFORM`, `RUN --mount`). */
const buildKit = '2'

/**
 * Builds an image: by BuildKit where the engine has it, else by the builder that it has. The connection
 * is what keeps the build alive; when it closes, the engine stops the build and removes its container.
 */
export async function buildImage(
  docker: Docker,
  build: ImageBuild,
  output: ImageOutput,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const { context } = build
  // What fails before anybody reads it is told when it is read.
  context.on('error', () => {})
  try {
    const session = await openSession(docker, signal)
    try {
      const network = await networkOf(docker, build.network, signal)
      const query = {
        t: build.image,
        dockerfile: build.dockerfile,
        labels: JSON.stringify(build.labels),
        buildargs: JSON.stringify(build.args),
        platform: build.platform ?? undefined,
        networkmode: network,
        // No container stays, whether the build succeeds or not.
        rm: '1',
        forcerm: '1',
        ...(session === null ? {} : { version: buildKit, session: session.id }),
      }
      if (Buffer.byteLength(JSON.stringify(query)) > maxQueryBytes) {
        throw new AppError('invalid_request', 'The build arguments are too large together')
      }
      return await run(docker, { ...build, query }, output, signal)
    } finally {
      session?.close()
    }
  } finally {
    context.destroy()
  }
}

async function run(
  docker: Docker,
  build: ImageBuild & { query: Record<string, string | undefined> },
  output: ImageOutput,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const follower = followBuild(output)
  try {
    return await follow(docker, build, { output, follower }, signal)
  } catch (error) {
    const { intermediate } = follower
    if (intermediate !== null) await removeIntermediate(docker, intermediate)
    throw error
  }
}

async function follow(
  docker: Docker,
  build: ImageBuild & { query: Record<string, string | undefined> },
  { output, follower }: { output: ImageOutput; follower: BuildFollower },
  signal: AbortSignal,
): Promise<BuiltImage> {
  try {
    const answer = await docker.send(
      {
        method: 'POST',
        path: '/build',
        query: build.query,
        headers: { 'content-type': 'application/x-tar' },
        body: build.context,
        answerMs: null,
      },
      signal,
    )
    for await (const message of readMessages(answer)) await follower.take(message)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof DockerRefusal) throw refused(error.message)
    if (error === build.context.errored) throw error
    if (follower.failure === null) throw brokenOff(docker, error)
  }
  signal.throwIfAborted()
  if (follower.failure !== null) throw refused(follower.failure)
  if (follower.imageId === null) throw brokenOff(docker, 'its answer ends early')
  const { Id: id, Size: sizeBytes } = await docker.json<{ Id: string; Size: number }>(
    { method: 'GET', path: `/images/${encodeURIComponent(build.image)}/json` },
    signal,
  )
  output.progress(100)
  return { id, sizeBytes }
}

/**
 * An engine without a network of its own (`--bridge=none`) reaches nothing from a RUN line; BuildKit
 * would refuse to begin. Containers are given no network there, and neither are builds.
 */
async function networkOf(
  docker: Docker,
  wanted: ImageBuild['network'],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (wanted === 'none') return 'none'
  try {
    await docker.json({ method: 'GET', path: '/networks/bridge' }, signal)
    return undefined
  } catch (error) {
    if (error instanceof DockerRefusal && error.status === 404) return 'none'
    throw error
  }
}

/**
 * The builder before BuildKit leaves the image of the last line that succeeded. One with a name is a base
 * image; one that something else is made of, or runs on, is refused by the engine.
 */
async function removeIntermediate(docker: Docker, id: string): Promise<void> {
  const limit = AbortSignal.timeout(cleanUpMs)
  const path = `/images/${id}`
  // The container of a line that was stopped is gone a moment later.
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      const found = await docker.json<{ RepoTags: string[] | null; RepoDigests: string[] | null }>(
        { method: 'GET', path: `${path}/json` },
        limit,
      )
      const names = [...(found.RepoTags ?? []), ...(found.RepoDigests ?? [])]
      if (!names.every((name) => name.startsWith('<none>'))) return
      await docker.json({ method: 'DELETE', path }, limit)
      return
    } catch (error) {
      // Why the build failed is what there is to say.
      if (!(error instanceof DockerRefusal) || error.status !== 409) return
      await sleep(200)
    }
  }
}

function refused(why: string): AppError {
  return new AppError('invalid_request', `The image cannot be built: ${why.trim()}`)
}

function brokenOff(docker: Docker, error: unknown): Error {
  if (error instanceof AppError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new AppError('unavailable', `The Docker engine at ${docker.address} broke off: ${why}`)
}
