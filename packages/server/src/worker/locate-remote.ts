import { GitError, type GitRemote } from '../git/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { ControlPlane } from './control-plane.ts'

/** Where the repository of a job is, as the control plane says; a permanent `GitError` where it can't be had. */
export async function locateRemote(
  { control }: { control: Pick<ControlPlane, 'locateRepository'> },
  claim: JobClaim,
): Promise<GitRemote> {
  const location = await control.locateRepository({ claim })
  if (location.ok) return location.remote
  throw new GitError(location.message, true)
}
