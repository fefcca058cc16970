import {
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3'
import { type CallLimits, callS3 } from './call-s3.ts'

interface Bucket {
  client: S3Client
  bucket: string
}

/** The keys that start with `prefix`, as the store knows them, a page of at most 1,000 at a time. */
export async function* listKeys(
  { client, bucket }: Bucket,
  prefix: string,
  limits: CallLimits,
): AsyncGenerator<string[]> {
  let after: string | undefined
  do {
    // By key and not by token: what was listed may be deleted meanwhile.
    const page = await callS3(
      bucket,
      (options) =>
        client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter: after }),
          options,
        ),
      limits,
    )
    const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
    if (keys.length > 0) yield keys
    after = page.IsTruncated === true ? keys.at(-1) : undefined
  } while (after !== undefined)
}

export interface PendingUpload {
  key: string
  uploadId: string
  initiated: Date
}

/** Uploads in parts that have neither been completed nor taken back. */
export async function* listUploads(
  { client, bucket }: Bucket,
  prefix: string,
  limits: CallLimits,
): AsyncGenerator<PendingUpload> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | null = {}
  while (marker !== null) {
    const from: { KeyMarker?: string; UploadIdMarker?: string } = marker
    const page = await callS3(
      bucket,
      (options) =>
        client.send(
          new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
          options,
        ),
      limits,
    )
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined || Initiated === undefined) continue
      yield { key: Key, uploadId: UploadId, initiated: Initiated }
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page
    marker =
      IsTruncated === true && NextKeyMarker !== undefined
        ? {
            KeyMarker: NextKeyMarker,
            ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
          }
        : null
  }
}
