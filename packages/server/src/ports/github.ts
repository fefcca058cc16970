import type { Readable } from 'node:stream'

/**
 * What is asked of GitHub: to show statuses of commits, deployments and releases.
 *
 * `repository` is owner/name. Concurrency: any number of calls; an adapter lets few through at once and
 * refuses what would have to wait too long. It never tries again by itself.
 * Failure: a `GitHubError`, whose `reason` says whether trying again can help; its message never holds a
 * credential. Nothing of Slipway's own may fail because of one. Every call ends when `signal` aborts, and
 * within a deadline of the adapter's own.
 */
export interface GitHub {
  /** Where its API is, for messages. */
  readonly apiUrl: string
  /** Shows the state of a commit (40 hexadecimal digits). GitHub keeps 1,000 of a commit and context. */
  createCommitStatus(
    repository: string,
    status: NewCommitStatus,
    signal: AbortSignal,
  ): Promise<void>
  /** The commit that a ref such as `tags/v1` stands for, tag objects resolved; null when there is none. */
  findCommit(repository: string, ref: string, signal: AbortSignal): Promise<string | null>

  /** Makes another deployment each time; answers its id. Merges nothing and waits for no status. */
  createDeployment(
    repository: string,
    deployment: NewGitHubDeployment,
    signal: AbortSignal,
  ): Promise<number>
  /** The id of the deployment made with this commit, environment and key; null when there is none. */
  findDeployment(
    repository: string,
    deployment: Pick<NewGitHubDeployment, 'commitSha' | 'environment' | 'task' | 'key'>,
    signal: AbortSignal,
  ): Promise<number | null>
  createDeploymentStatus(
    repository: string,
    status: NewDeploymentStatus,
    signal: AbortSignal,
  ): Promise<void>

  /** The published release of a tag; null when there is none. */
  findRelease(repository: string, tag: string, signal: AbortSignal): Promise<GitHubRelease | null>
  /** The release of the tag, which is made unless there is one. */
  ensureRelease(
    repository: string,
    release: NewGitHubRelease,
    signal: AbortSignal,
  ): Promise<GitHubRelease>
  updateRelease(
    repository: string,
    release: { id: number; notes: string },
    signal: AbortSignal,
  ): Promise<void>

  /** At most the first 1,000. */
  listReleaseAssets(
    repository: string,
    releaseId: number,
    signal: AbortSignal,
  ): Promise<ReleaseAsset[]>
  /**
   * Sends a file as a stream. `invalid` where the release has one of this name. An upload that breaks
   * off may leave an asset that is not `uploaded`; it must be deleted before the next try.
   */
  uploadReleaseAsset(
    repository: string,
    upload: ReleaseUpload,
    signal: AbortSignal,
  ): Promise<ReleaseAsset>
  /** One that is gone is fine. */
  deleteReleaseAsset(repository: string, assetId: number, signal: AbortSignal): Promise<void>
}

export interface NewCommitStatus {
  commitSha: string
  state: 'pending' | 'success' | 'failure' | 'error'
  /** Tells this status from those of others. */
  context: string
  /** At most 140 characters. */
  description: string
  /** An http(s) address; null: none. */
  targetUrl: string | null
}

export interface NewGitHubDeployment {
  commitSha: string
  environment: string
  production: boolean
  /** What is deployed, for GitHub: deployments of one environment and task belong together. */
  task: string
  description: string
  /** Ours: finds the deployment again. */
  key: string
}

export interface NewDeploymentStatus {
  deploymentId: number
  state: 'queued' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive'
  /** At most 140 characters. */
  description: string
  /** An http(s) address; null: none. */
  logUrl: string | null
}

export interface NewGitHubRelease {
  tag: string
  /** The tag is made of this commit where GitHub has none of that name. */
  commitSha: string
  name: string
  /** Markdown. */
  notes: string
  /** Whether GitHub adds the list of changes to the notes. */
  listChanges: boolean
  prerelease: boolean
}

export interface GitHubRelease {
  id: number
  /** Its page, for people. */
  url: string
  notes: string
  /** Where its assets are uploaded to; as GitHub says it. */
  uploadUrl: string
}

export interface ReleaseAsset {
  id: number
  name: string
  /** Bytes. */
  size: number
  /** False: it was never sent completely. */
  uploaded: boolean
  /** `sha256:<hex>`; null where GitHub does not say it. */
  digest: string | null
  /** Where it is downloaded from. */
  url: string
}

export interface ReleaseUpload {
  release: Pick<GitHubRelease, 'id' | 'uploadUrl'>
  /** Without folders. */
  name: string
  mediaType: string
  /** Bytes. */
  size: number
  /** A fresh stream of the whole content. */
  open(): Readable
}

/**
 * - `away`: no answer in time, or one that is no answer; passes by itself.
 * - `limited`: too many requests; passes after `retryAfterMs`.
 * - `refused`: the credential is not valid, or may not do this; passes when somebody changes that.
 * - `missing`: no such thing, or the credential may not know of it.
 * - `invalid`: GitHub understands it and says no.
 */
export type GitHubFailure = 'away' | 'limited' | 'refused' | 'missing' | 'invalid'

export class GitHubError extends Error {
  override readonly name = 'GitHubError'
  readonly reason: GitHubFailure
  /** Milliseconds after which a `limited` call may be made again; null for every other reason. */
  readonly retryAfterMs: number | null

  constructor(reason: GitHubFailure, message: string, retryAfterMs: number | null = null) {
    super(message)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}
