import { access, chmod, constants, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { TaskJob } from '@slipway/contract/jobs'
import { hasCode } from '../directories.ts'
import { checkout } from '../git/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { ControlPlane } from './control-plane.ts'
import type { WorkerDeps } from './deps.ts'
import { locateRemote } from './locate-remote.ts'

/** A fresh checkout for the steps of one attempt. */
export interface Workspace {
  directory: string
  /**
   * Kept from run to run of a repository; what pull requests put there, only pull requests see, and
   * what forks did, only forks.
   */
  cache: string
  /** Directories outside that the checkout needs to read. */
  borrowed: readonly string[]
  hasBash: boolean
}

/** `name` is unique among the worker's workspaces. Leaves nothing behind when it fails. */
export async function makeWorkspace(
  deps: Pick<WorkerDeps, 'workDirectory' | 'cacheDirectory' | 'mirrors' | 'stepsInImages'> & {
    control: Pick<ControlPlane, 'locateRepository'>
  },
  input: {
    job: Pick<TaskJob, 'repository' | 'commit_sha' | 'trigger_type' | 'trusted'>
    claim: JobClaim
    name: string
  },
  signal: AbortSignal,
): Promise<Workspace> {
  const { job, claim, name } = input
  const directory = join(deps.workDirectory, name)
  const trust =
    job.trusted === false
      ? 'forks'
      : job.trigger_type === 'pull_request'
        ? 'pull-requests'
        : 'branches'
  const cache = resolve(deps.cacheDirectory, trust, job.repository)
  if (dirname(dirname(cache)) !== resolve(deps.cacheDirectory, trust)) {
    throw new Error(`${job.repository} has no cache of its own`)
  }
  await mkdir(cache, { recursive: true })
  const borrowed = await deps.mirrors.useCommit(
    { ...(await locateRemote(deps, claim)), commit: job.commit_sha },
    signal,
    async (mirror, sha) => {
      await checkout({ mirror, sha, directory }, signal)
      return [join(mirror.directory, 'objects')]
    },
  )
  const hasBash =
    deps.stepsInImages !== true &&
    (await access('/bin/bash', constants.X_OK).then(
      () => true,
      () => false,
    ))
  return { directory, cache, borrowed, hasBash }
}

/** Removes what a step left, also where it took the right to do so away from itself. */
export async function removeWorkspace(directory: string): Promise<void> {
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 3 })
  try {
    await remove()
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error
    await openUp(directory)
    await remove()
  }
}

/** Gives the owner all rights on every directory below; follows no link. */
async function openUp(directory: string): Promise<void> {
  await chmod(directory, 0o700)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(directory, entry.name))
  }
}
