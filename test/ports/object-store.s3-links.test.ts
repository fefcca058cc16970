import { PutBucketLifecycleConfigurationCommand } from '@aws-sdk/client-s3'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { applyLifecycle } from '../../packages/server/src/adapters/object-store/s3/apply-lifecycle.ts'
import { createS3ObjectStore } from '../../packages/server/src/adapters/object-store/s3/create-s3-object-store.ts'
import { planLifecycle } from '../../packages/server/src/adapters/object-store/s3/plan-lifecycle.ts'
import type { S3Place } from '../../packages/server/src/adapters/object-store/s3/s3-place.ts'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { createBucket, type TestBucket } from '../support/s3-bucket.ts'

// What only S3 has: links, tags, rules of a bucket; against a real one, Ceph's gateway.

const log = pino({ level: 'silent' })
let s3: TestS3
beforeAll(async () => void (s3 = await startRadosgw()), 120_000)
afterAll(() => s3.close())

let bucket: TestBucket
let count = 0
const stores: ObjectStore[] = []
beforeEach(async () => {
  count += 1
  bucket = await createBucket(s3, `links-${count}`)
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  bucket.close()
})

async function open(place: Partial<S3Place> = {}, links = true) {
  const store = await createS3ObjectStore({ place: { ...bucket.place, ...place }, links, log })
  stores.push(store)
  return store
}

describe('links', () => {
  it('say what the content is, are for one object, for their time and for reading', async () => {
    const store = await open()
    await store.put('a/b.log', Buffer.from('<script>0123456789'))
    const how = { contentType: 'text/plain; charset=utf-8', fileName: 'b "x".log' }
    const link = (await store.presign('a/b.log', 60, how)) ?? ''
    const answer = await fetch(link, { headers: { range: 'bytes=8-11' } })
    expect(answer.status).toBe(206)
    expect(await answer.text()).toBe('0123')
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toBe('inline; filename="b__x_.log"')
    expect((await fetch(link.replace('b.log?', 'c.log?'))).status).toBe(403)
    expect((await fetch(link.replace('text%2Fplain', 'text%2Fhtml'))).status).toBe(403)
    expect((await fetch(link, { method: 'PUT', body: 'x' })).status).toBe(403)
    const short = (await store.presign('a/b.log', 1)) ?? ''
    await vi.waitFor(async () => expect((await fetch(short)).status).toBe(403), { timeout: 10_000 })
  })

  it('lead to where clients reach the store, or are not given out', async () => {
    const store = await open({ publicEndpoint: 'https://files.example.com' })
    expect(await store.presign('a', 60)).toMatch(
      /^https:\/\/files\.example\.com\/links-\d+\/some\/where\/a\?/,
    )
    expect(await (await open({}, false)).presign('a', 60)).toBeNull()
  })
})

describe('tags and lifecycle rules', () => {
  const plan = planLifecycle({
    prefix: 'some/where/',
    runsDays: 90,
    environments: [{ name: 'dev', logsDays: 7 }],
  })

  it('tags all below a prefix, and nothing else', async () => {
    const store = await open()
    for (const key of ['r/1/logs/a', 'r/1/logs/b/c', 'r/10/logs/a']) {
      await store.put(key, Buffer.from('x'))
    }
    await store.tagPrefix!('r/1/', { name: 'slipway-retention', value: 'dev' })
    await store.tagPrefix!('r/1/', { name: 'slipway-retention', value: 'production' })
    await store.tagPrefix!('none/', { name: 'slipway-retention', value: 'dev' })
    expect(await bucket.tagsOf('r/1/logs/a')).toEqual({ 'slipway-retention': 'production' })
    expect(await bucket.tagsOf('r/1/logs/b/c')).toEqual({ 'slipway-retention': 'production' })
    expect(await bucket.tagsOf('r/10/logs/a')).toEqual({})
  })

  it('puts its rules beside those of others, once', async () => {
    const { place, client } = bucket
    const others = [
      { ID: 'theirs', Status: 'Enabled', Filter: { Prefix: 'theirs/' }, Expiration: { Days: 3 } },
      {
        ID: 'slipway:else/:runs',
        Status: 'Enabled',
        Filter: { Prefix: 'else/' },
        Expiration: { Days: 4 },
      },
      {
        ID: 'slipway:some/where/:logs qa',
        Status: 'Enabled',
        Filter: { Prefix: 'x/' },
        Expiration: { Days: 5 },
      },
    ] as const
    await client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: place.bucket,
        LifecycleConfiguration: { Rules: others.map((rule) => ({ ...rule })) },
      }),
    )
    const never = new AbortController().signal
    expect(await applyLifecycle(place, plan, never)).toBe(true)
    expect(await applyLifecycle(place, plan, never)).toBe(false)
    const lc = JSON.parse(await s3.admin('lc', 'get', `--bucket=${place.bucket}`)) as {
      rule_map: { id: string }[]
    }
    expect(lc.rule_map.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'slipway:else/:runs',
      'slipway:some/where/:logs dev',
      'slipway:some/where/:probes',
      'slipway:some/where/:runs',
      'slipway:some/where/:uploads',
      'theirs',
    ])
  })
})
