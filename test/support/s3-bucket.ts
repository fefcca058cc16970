import {
  CreateBucketCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import type { S3Place } from '../../packages/server/src/adapters/object-store/s3/s3-place.ts'
import type { TestS3 } from './radosgw.ts'

/** A bucket of its own for one test, empty, and what somebody else sees of it. */
export interface TestBucket {
  place: S3Place
  client: S3Client
  /** Settings of a server that keeps its objects there. */
  env: Record<string, string>
  /** The keys of objects below the place's prefix, without it, in their order. */
  keys(): Promise<string[]>
  /** The same of uploads in parts that were begun. */
  uploads(): Promise<string[]>
  read(key: string): Promise<string>
  tagsOf(key: string): Promise<Record<string, string>>
  close(): void
}

export async function createBucket(
  s3: TestS3,
  bucket: string,
  options: { prefix?: string; endpoint?: string } = {},
): Promise<TestBucket> {
  const { accessKeyId, secretAccessKey } = s3
  const { prefix = 'some/where/', endpoint = s3.endpoint } = options
  const region = 'us-east-1'
  const client = new S3Client({
    endpoint: s3.endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const Bucket = bucket
  await client.send(new CreateBucketCommand({ Bucket }))
  const own = (found: { Key?: string | undefined }[]) =>
    found.map(({ Key = '' }) => Key.slice(prefix.length)).toSorted((a, b) => (a < b ? -1 : 1))
  return {
    place: {
      endpoint,
      publicEndpoint: null,
      bucket,
      region,
      keys: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      prefix,
      caPath: null,
    },
    client,
    env: {
      S3_ENDPOINT: endpoint,
      S3_BUCKET: bucket,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
      S3_PREFIX: prefix,
    },
    async keys() {
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: prefix }),
      )
      return own(Contents)
    },
    async uploads() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return own(Uploads)
    },
    async read(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: prefix + key }))
      return (await Body?.transformToString()) ?? ''
    },
    async tagsOf(key) {
      const { TagSet = [] } = await client.send(
        new GetObjectTaggingCommand({ Bucket, Key: prefix + key }),
      )
      return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]))
    },
    close: () => client.destroy(),
  }
}
