import { Readable } from 'node:stream'
import { type BuildAttempt, imageJobLabel } from '../../builds/index.ts'
import { AppError } from '../../errors.ts'
import { protocolOf } from '../../git/index.ts'
import type { ImageBuild, ImageEngine, ImageOutput } from '../../ports/image-engine.ts'
import { requireDockersFrontend } from './check-frontend.ts'
import { imageNameOf } from './image-name.ts'
import { packContext } from './pack-context.ts'
import { declaredArguments, readDockerfile, readSmall } from './read-dockerfile.ts'
import { withoutIgnored } from './without-ignored.ts'
import { listTree, type TreeEntry } from './zip/list-tree.ts'

/** Label of every image that a build made: the build's id. */
const buildLabel = 'io.slipway.build'

const dockerfileName = 'Dockerfile'
/** The first that is there; the engine gets both, as it does from Docker's own client. */
const ignoreFiles = [`${dockerfileName}.dockerignore`, '.dockerignore']

export interface BuildImageDeps {
  images: ImageEngine
  /** Whether RUN lines reach the network. */
  buildNetwork: ImageBuild['network']
}

/** An image that a build made, at the engine. */
export interface BuiltBuildImage {
  /** `name:tag`. */
  image: string
  /** `sha256:…`; by it, the image is found and removed whatever its name means by then. */
  imageId: string
  sizeBytes: number
}

/**
 * Builds the image of a tree by its Dockerfile, without `.git` and what `.dockerignore` names. No
 * secret reaches the build: neither files nor arguments hold any. AppError says what cannot be:
 * `invalid_request` of a tree, a Dockerfile or a request that is at fault, `resource_conflict` where the
 * name is that of an image which no build made, `unavailable` where the engine is away.
 */
export async function buildImage(
  deps: BuildImageDeps,
  input: {
    attempt: BuildAttempt
    /** Of the build's job, the same in all attempts. */
    jobId: string
    /** Of the tree; absolute. */
    directory: string
    commitSha: string
    output: ImageOutput
  },
  signal: AbortSignal,
): Promise<BuiltBuildImage> {
  const { attempt, jobId, directory, commitSha, output } = input
  const now = new Date()
  const image = imageNameOf(attempt, now)
  const platform = onePlatform(attempt.image.platforms)
  const dockerfile = await readDockerfile(directory, dockerfileName)
  const args = argumentsOf(attempt, dockerfile)
  if (deps.buildNetwork === 'none') requireDockersFrontend(dockerfile, args)
  const existing = await deps.images.find(image, signal)
  if (existing !== null && existing.labels[buildLabel] === undefined) {
    throw new AppError(
      'resource_conflict',
      `The engine has an image ${image} that no build made, and that is not replaced: choose another image_name or image_tag`,
    )
  }
  const entries = await contextOf(directory, signal)
  const bytes = entries.reduce((sum, { size }) => sum + size, 0)
  const say = (text: string) => output.write(Buffer.from(`${text}\n`))
  await say(`Building ${image} from ${entries.length} files, ${bytes} bytes`)
  const { id: imageId, sizeBytes } = await deps.images.build(
    {
      context: Readable.from(packContext({ directory, entries }, signal), { objectMode: false }),
      dockerfile: dockerfileName,
      image,
      labels: {
        ...sourceLabel(attempt.repository.remote.url),
        'org.opencontainers.image.revision': commitSha,
        'org.opencontainers.image.created': now.toISOString(),
        [buildLabel]: String(attempt.buildId),
        [imageJobLabel]: jobId,
      },
      args,
      platform,
      network: deps.buildNetwork,
    },
    output,
    signal,
  )
  await say(`Built ${image}: ${imageId}, ${sizeBytes} bytes`)
  return { image, imageId, sizeBytes }
}

/** Where a repository of this machine is, is nobody's business who pulls the image. */
function sourceLabel(url: string): Record<string, string> {
  return protocolOf(url) === 'file' ? {} : { 'org.opencontainers.image.source': url }
}

/** An engine's API builds for one platform at a time, and holds one image under a name. */
function onePlatform(platforms: readonly string[]): string | null {
  const [platform = null, ...more] = platforms
  if (more.length === 0) return platform
  throw new AppError(
    'invalid_request',
    `An image is built for one platform, not for ${platforms.join(', ')}: make a build for each`,
  )
}

/** What was asked for, and of the variables those that the Dockerfile declares. */
function argumentsOf(attempt: BuildAttempt, dockerfile: string): Record<string, string> {
  const declared = declaredArguments(dockerfile)
  const variables = Object.entries(attempt.variables).filter(([name]) => declared.has(name))
  return { ...Object.fromEntries(variables), ...attempt.image.args }
}

async function contextOf(directory: string, signal: AbortSignal): Promise<TreeEntry[]> {
  const entries = await listTree(directory, signal)
  for (const name of ignoreFiles) {
    const text = await readSmall(directory, name)
    if (text === null) continue
    const isNeeded = (path: string) => path === dockerfileName || ignoreFiles.includes(path)
    return withoutIgnored(entries, { text, isNeeded }, signal)
  }
  return entries
}
