import {
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3'
import { callS3 } from './call-s3.ts'
import { idPrefix } from './plan-lifecycle.ts'
import { openS3Client, type S3Place } from './s3-place.ts'

/**
 * Gives the bucket of a place these rules in place of those that it had from us; rules of others stay.
 * Answers whether something had to be changed. Rejects with an AppError in words for the operator.
 */
export async function applyLifecycle(
  place: S3Place,
  rules: LifecycleRule[],
  signal: AbortSignal,
): Promise<boolean> {
  const client = await openS3Client(place)
  const { bucket } = place
  const limits = { attemptMs: 30_000, patienceMs: 5_000, signal }
  try {
    const there = await callS3(
      bucket,
      (send) =>
        client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), send).then(
          ({ Rules = [] }) => Rules,
          (error: unknown) => {
            if (error instanceof Error && error.name === 'NoSuchLifecycleConfiguration') return []
            throw error
          },
        ),
      limits,
    )
    const isOurs = ({ ID }: LifecycleRule) => ID?.startsWith(idPrefix(place.prefix)) === true
    if (sameRules(there.filter(isOurs), rules)) return false
    const Rules = [...there.filter((rule) => !isOurs(rule)), ...rules]
    await callS3(
      bucket,
      (send) =>
        client.send(
          new PutBucketLifecycleConfigurationCommand({
            Bucket: bucket,
            LifecycleConfiguration: { Rules },
          }),
          send,
        ),
      limits,
    )
    return true
  } finally {
    client.destroy()
  }
}

/** Stores answer them in an order of their own. */
function sameRules(some: LifecycleRule[], others: LifecycleRule[]): boolean {
  const texts = (rules: LifecycleRule[]) =>
    rules.map((rule) => JSON.stringify(essence(rule))).toSorted((a, b) => (a < b ? -1 : 1))
  return texts(some).join('\n') === texts(others).join('\n')
}

/** Ceph answers a prefix and one tag side by side, AWS as `And`. */
function essence({
  ID,
  Status,
  Filter,
  Expiration,
  AbortIncompleteMultipartUpload,
}: LifecycleRule) {
  const tags = Filter?.And?.Tags ?? (Filter?.Tag === undefined ? [] : [Filter.Tag])
  return [
    ID,
    Status,
    Filter?.And?.Prefix ?? Filter?.Prefix ?? '',
    tags.map(({ Key, Value }) => [Key, Value]),
    Expiration?.Days ?? null,
    AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? null,
  ]
}
