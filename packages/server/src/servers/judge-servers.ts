import type { ServerIdentity } from './server-identity.ts'

type Shared = Pick<ServerIdentity, 'keyFingerprint' | 'gitops' | 'objects'>

/**
 * Why two servers cannot work on one database at the same time, in words for the operator of the one that
 * starts; empty where they can.
 */
export function judgeServers(starting: Shared, other: Shared & { name: string }): string[] {
  const problems: string[] = []
  const { name } = other
  if (starting.keyFingerprint !== other.keyFingerprint) {
    problems.push(
      `SLIPWAY_MASTER_KEY: is not that of ${name}; what one seals and signs, the others could not read. Set it to the same value on every server`,
    )
  }
  if (starting.gitops === 'embedded' || other.gitops === 'embedded') {
    const whose = starting.gitops === 'embedded' ? 'this server' : name
    problems.push(
      `GITOPS_REPOSITORY_URL: is not set for ${whose}, whose deployments go to a repository in its own data directory. Set it to one repository on every server`,
    )
  } else if (starting.gitops !== other.gitops) {
    problems.push(
      `GITOPS_REPOSITORY_URL, GITOPS_BRANCH: are not those of ${name}. Set them to the same repository and branch on every server`,
    )
  }
  if (starting.objects === 'files' || other.objects === 'files') {
    const whose = starting.objects === 'files' ? 'this server' : name
    problems.push(
      `S3_BUCKET: is not set for ${whose}, which keeps logs, outputs and the blobs of its OCI store as files in its own data directory. Set it, with S3_ENDPOINT where it is not AWS, to one bucket on every server`,
    )
  } else if (starting.objects !== other.objects) {
    problems.push(
      `S3_BUCKET, S3_PREFIX: are not those of ${name}. Set them to the same place on every server`,
    )
  }
  return problems
}
