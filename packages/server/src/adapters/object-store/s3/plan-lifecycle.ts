import type { LifecycleRule } from '@aws-sdk/client-s3'
import { retentionTag } from '../../../ports/retention-tag.ts'

export interface LifecyclePlan {
  /** What the keys of the store begin with: empty, or ending in `/`. */
  prefix: string
  /** Days that runs are kept, and at most their logs. */
  runsDays: number
  /** Days that logs are kept of runs with a release that was deployed there. */
  environments: readonly { name: string; logsDays: number }[]
}

/** The server deletes first; the bucket deletes what the server, for whatever reason, did not. */
const marginDays = 2
/** No upload takes as long. */
const uploadDays = 10

/**
 * Rules by which a bucket deletes by itself what is no longer kept: logs by their tag, all that runs leave
 * behind, uploads that were not completed. Nothing else in it is touched.
 */
export function planLifecycle({ prefix, runsDays, environments }: LifecyclePlan): LifecycleRule[] {
  const runs = `${prefix}pipeline-runs/`
  const named = (name: string) => ({ ID: `${idPrefix(prefix)}${name}`, Status: 'Enabled' as const })
  return [
    ...environments
      .filter(({ logsDays }) => logsDays < runsDays)
      .map(({ name, logsDays }): LifecycleRule => ({
        ...named(`logs ${name}`),
        Filter: { And: { Prefix: runs, Tags: [{ Key: retentionTag, Value: name }] } },
        Expiration: { Days: logsDays + marginDays },
      })),
    {
      ...named('runs'),
      Filter: { Prefix: runs },
      Expiration: { Days: runsDays + marginDays },
    },
    {
      ...named('uploads'),
      Filter: { Prefix: prefix },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: uploadDays },
    },
    { ...named('probes'), Filter: { Prefix: `${prefix}~check/` }, Expiration: { Days: 1 } },
  ]
}

/** What the ids of our rules for this prefix begin with; those of others stay as they are. */
export function idPrefix(prefix: string): string {
  return `slipway:${prefix}:`
}
