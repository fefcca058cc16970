import { pino } from 'pino'
import { afterAll, beforeAll } from 'vitest'
import { createS3ObjectStore } from '../../packages/server/src/adapters/object-store/s3/create-s3-object-store.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { createBucket } from '../support/s3-bucket.ts'
import { objectStoreSuite } from './object-store.suite.ts'

// Against a real S3: Ceph's gateway.

const log = pino({ level: 'silent' })
let s3: TestS3
let count = 0
beforeAll(async () => void (s3 = await startRadosgw()), 120_000)
afterAll(() => s3.close())

objectStoreSuite('s3', async () => {
  count += 1
  const bucket = await createBucket(s3, `bucket-${count}`)
  return {
    store: await createS3ObjectStore({ place: bucket.place, links: true, log }),
    leftovers: async () => [...(await bucket.keys()), ...(await bucket.uploads())],
    dispose: async () => bucket.close(),
  }
})
