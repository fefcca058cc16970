import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { createS3Publisher } from '../../packages/server/src/adapters/publisher/s3/create-s3-publisher.ts'
import { startRadosgw } from '../support/radosgw.ts'
import { artifact, fileContent, publisherSuite, unaborted } from './publisher.suite.ts'

// Against a real S3: Ceph's gateway.

const Bucket = 'artifacts'

publisherSuite('s3', async () => {
  const s3 = await startRadosgw()
  const { accessKeyId, secretAccessKey, endpoint } = s3
  const keys = { accessKeyId, secretAccessKey }
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: keys,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket }))
  await expect(
    publishWith({ ...keys, secretAccessKey: 'wrong' }, { endpoint }),
    'a wrong key',
  ).rejects.toMatchObject({ code: 'authorization_failed' })
  await expect(publishWith(keys, { endpoint, bucket: 'missing' })).rejects.toMatchObject({
    message: expect.stringContaining('The bucket missing does not take it: NoSuchBucket'),
  })
  return {
    publisher: createS3Publisher({ openKeys: async () => keys }),
    with: { bucket: Bucket, prefix: 'some/where/', endpoint },
    credential: 'keys',
    async read(uri) {
      const Key = uri.slice(`s3://${Bucket}/`.length)
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
      return Body === undefined ? null : Buffer.from(await Body.transformToByteArray())
    },
    async list() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return [...Contents, ...Uploads].map(({ Key = '' }) => Key)
    },
    async close() {
      client.destroy()
      await s3.close()
    },
  }
})

const publishWith = (keys: { accessKeyId: string; secretAccessKey: string }, at: object) =>
  createS3Publisher({ openKeys: async () => keys }).publish(
    {
      artifact,
      content: fileContent(10),
      with: { bucket: Bucket, ...at },
      credential: 'x',
      askedBy: null,
    },
    unaborted,
  )

it('says that a service is away', async () => {
  const keys = { accessKeyId: 'a', secretAccessKey: 'b' }
  await expect(publishWith(keys, { endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('artifacts is away'),
  })
})
