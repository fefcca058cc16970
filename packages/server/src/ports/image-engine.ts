import type { Readable } from 'node:stream'

/**
 * Builds container images, keeps them for a while and pushes them: a Docker-compatible engine.
 *
 * Lifecycle: `check` any time; `close` once. Nothing is kept in memory between calls.
 * Concurrency: any number of calls. Failure: AppError `unavailable` when the engine or the registry is
 * away, `invalid_request` when the Dockerfile fails or is refused, `authorization_failed` when the
 * registry refuses the login. What a build or push printed before it failed has reached `output`.
 * Every call ends when `signal` aborts, and leaves no container and no half-built image behind.
 */
export interface ImageEngine {
  /** Short name for health and logs: docker. */
  readonly name: string
  /** Builds from a tar stream; resolves once the image is there under its name. */
  build(request: ImageBuild, output: ImageOutput, signal: AbortSignal): Promise<BuiltImage>
  /** Pushes an image that is here. `target` is its name in the registry, with a tag. Answers the digest of its manifest. */
  push(
    request: { image: string; target: string; login: ImageLogin | null },
    output: ImageOutput,
    signal: AbortSignal,
  ): Promise<{ digest: string }>
  /** An image by its name or id; null when there is none. */
  find(image: string, signal: AbortSignal): Promise<EngineImage | null>
  /**
   * Removes an image with everything that nobody else uses of it; true if it was there. By its name only
   * that name, and the image once it has no other; by its id with all its names. `resource_conflict`
   * while a container runs it.
   */
  remove(image: string): Promise<boolean>
  /** Images with this label, e.g. to find those that a dead build left behind; at most 10,000. */
  list(label: string): Promise<readonly EngineImage[]>
  /** Rejects when the engine can't be reached. */
  check(): Promise<void>
  close(): Promise<void>
}

/** An image at the engine. */
export interface EngineImage {
  /** `sha256:…`. */
  id: string
  /** `name:tag` each. */
  names: readonly string[]
  labels: Readonly<Record<string, string>>
}

export interface ImageBuild {
  /** A tar stream of the tree, with its Dockerfile. */
  context: Readable
  /** Path of the Dockerfile in the context. */
  dockerfile: string
  /** `name:tag`. */
  image: string
  labels: Readonly<Record<string, string>>
  /** Values of ARG; never secrets, since they stay in the image's history. */
  args: Readonly<Record<string, string>>
  /** Such as linux/amd64; null: the engine's own. */
  platform: string | null
  /** Whether RUN lines reach the network; where the engine has none, they don't. */
  network: 'default' | 'none'
}

/** What the engine says while it works. */
export interface ImageOutput {
  /** Text as it came, lines split anywhere. A promise holds the engine back. */
  write(chunk: Buffer): void | Promise<void>
  /** Whole percent, where it can be told. */
  progress(percent: number): void
}

export interface BuiltImage {
  /** `sha256:…` at the engine. */
  id: string
  sizeBytes: number
}

export interface ImageLogin {
  username: string
  password: string
  /** `host[:port]` that the login is for, as images' names say it. */
  serverAddress: string
}
