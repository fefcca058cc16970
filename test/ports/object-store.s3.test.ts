import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { pino } from 'pino'
import { afterAll, beforeAll } from 'vitest'
import { createS3ObjectStore } from '../../packages/server/src/adapters/object-store/s3/create-s3-object-store.ts'
import { openS3Client } from '../../packages/server/src/adapters/object-store/s3/s3-place.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { objectStoreSuite } from './object-store.suite.ts'

const log = pino({ level: 'silent' })
let s3: TestS3
let count = 0
beforeAll(async () => void (s3 = await startRadosgw()), 120_000)
afterAll(() => s3.close())

objectStoreSuite('s3', async () => {
  const { endpoint, accessKeyId, secretAccessKey } = s3
  count += 1
  const place = {
    endpoint,
    publicEndpoint: null,
    bucket: `bucket-${count}`,
    region: 'us-east-1',
    keys: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    prefix: 'some/where/',
    caPath: null,
  }
  const client = await openS3Client(place)
  const Bucket = place.bucket
  await client.send(new CreateBucketCommand({ Bucket }))
  return {
    store: await createS3ObjectStore({ place, links: true, log }),
    async leftovers() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return [...Contents, ...Uploads]
        .map(({ Key = '' }) => Key.slice(place.prefix.length))
        .toSorted()
    },
    dispose: async () => client.destroy(),
  }
})
