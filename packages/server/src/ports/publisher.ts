import type { ArtifactType } from '@slipway/contract/releases'
import type { Readable } from 'node:stream'
import type { Registry } from './registry.ts'

/**
 * Puts an artifact where people get it from: a registry, a bucket, a directory.
 *
 * Concurrency: any number of calls; two of one artifact and commit are the same call twice.
 * Failure: AppError, whose message names the place and the reason and never a credential; nothing
 * half-written is visible then. Doing it again is harmless: what is there already stays, and where
 * something else is in its place the call fails with `resource_conflict` instead of replacing it.
 * Every call ends when `signal` aborts.
 */
export interface Publisher {
  publish(publication: Publication, signal: AbortSignal): Promise<PublishedTo | NotPublished>
}

export interface Publication {
  artifact: ArtifactIdentity
  content: ArtifactContent
  /** The publisher's own keys, as its configuration has them. */
  with: Readonly<Record<string, unknown>>
  /** Name of a stored credential; null: none. */
  credential: string | null
  /**
   * The repository whose commit has chosen the place and the credential; null: the server's operator
   * has. What is the server's own, a commit does not get to use elsewhere than in its own place.
   */
  askedBy: string | null
}

export interface ArtifactIdentity {
  name: string
  type: ArtifactType
  /** owner/name */
  repository: string
  project: string
  /** 40 hexadecimal digits. */
  commitSha: string
  /** Branch, or refs/tags/<name>. */
  ref: string
}

export type ArtifactContent =
  | {
      kind: 'file'
      /** Without folders. */
      fileName: string
      mediaType: string
      /** Bytes. */
      size: number
      /** `sha256:<hex>` of the bytes. */
      digest: string
      /** A fresh stream of the whole content; may be called again for another try. */
      open(): Readable
    }
  | {
      kind: 'image'
      /** Stores the image in a registry, then points the tags at it. */
      push(
        registry: Registry,
        input: { repository: string; tags: readonly string[] },
        signal: AbortSignal,
      ): Promise<{ digest: string; size: number }>
    }

export interface PublishedTo {
  uri: string
  /** Of what the place holds: a manifest in a registry, else the content. */
  digest: string
  /** Where it is, if signatures can be put next to it. */
  signable?: { registry: Registry; repository: string }
}

/** The place takes this artifact at other times: why not now, for the log. */
export interface NotPublished {
  skipped: string
}

/** Publishers by their type. */
export type Publishers = Readonly<Record<string, Publisher>>
