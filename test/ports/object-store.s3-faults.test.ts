import { createHash, randomBytes } from 'node:crypto'
import { access, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createS3ObjectStore,
  type S3Times,
} from '../../packages/server/src/adapters/object-store/s3/create-s3-object-store.ts'
import type { S3Place } from '../../packages/server/src/adapters/object-store/s3/s3-place.ts'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { createBucket, type TestBucket } from '../support/s3-bucket.ts'

// What an S3 that is away, slow, full, or refuses, comes to; against a real one, Ceph's gateway.

const log = pino({ level: 'silent' })
const mebibyte = 1024 * 1024
let s3: TestS3
let target: string
beforeAll(async () => {
  s3 = await startRadosgw()
  target = new URL(s3.endpoint).host
}, 120_000)
afterAll(() => s3.close())

let bucket: TestBucket
let count = 0
const stores: ObjectStore[] = []
beforeEach(async () => {
  count += 1
  bucket = await createBucket(s3, `faults-${count}`)
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  bucket.close()
})

async function open(place: Partial<S3Place> = {}, times: Partial<S3Times> = {}) {
  const store = await createS3ObjectStore({
    place: { ...bucket.place, ...place },
    links: true,
    log,
    times: { sweepMs: 200, ...times },
  })
  stores.push(store)
  return store
}

/** A body of so many mebibytes, made as it is read; `reached` is called with each of them. */
function bodyOf(mebibytes: number, reached: (done: number) => void = () => {}) {
  const hash = createHash('sha256')
  async function* content() {
    for (let done = 0; done < mebibytes; done++) {
      reached(done)
      const bytes = randomBytes(mebibyte)
      hash.update(bytes)
      yield bytes
    }
  }
  return { body: Readable.from(content(), { objectMode: false }), digest: () => hash.digest('hex') }
}

const digestOf = async (stream: Readable | null) => {
  const hash = createHash('sha256')
  for await (const chunk of stream ?? []) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

describe('an object of many parts', () => {
  it('is whole, however its parts fall, and takes the memory of a few of them', async () => {
    const store = await open()
    const before = process.memoryUsage()
    let most = 0
    const { body, digest } = bodyOf(200, () => {
      const { arrayBuffers } = process.memoryUsage()
      most = Math.max(most, arrayBuffers - before.arrayBuffers)
    })
    await store.put('large', body)
    expect((await store.head('large'))?.size).toBe(200 * mebibyte)
    expect(await digestOf(await store.get('large'))).toBe(digest())
    expect(most).toBeLessThan(120 * mebibyte)
    expect(await bucket.uploads()).toEqual([])
  }, 60_000)

  it('leaves no parts behind when its body fails in the middle', async () => {
    const store = await open()
    const { body } = bodyOf(40, (done) => {
      if (done === 35) throw new Error('the sender went away')
    })
    await expect(store.put('large', body)).rejects.toThrow('the sender went away')
    expect(await bucket.uploads()).toEqual([])
    expect(await bucket.keys()).toEqual([])
  })

  it('is taken over from a file that stays until it is stored', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-s3-'))
    try {
      const path = join(folder, 'file')
      const bytes = randomBytes(20 * mebibyte)
      await writeFile(path, bytes)
      const away = await open({ endpoint: 'http://127.0.0.1:1' }, { putPatienceMs: 100 })
      await expect(away.putFile('file', path)).rejects.toThrow('is away or broken: ECONNREFUSED')
      expect((await stat(path)).size).toBe(bytes.length)
      const store = await open()
      await store.putFile('file', path)
      await expect(access(path)).rejects.toThrow('ENOENT')
      expect((await buffer((await store.get('file'))!)).equals(bytes)).toBe(true)
      expect(await readdir(folder)).toEqual([])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('a store that is away', () => {
  let proxy: FaultyProxy
  beforeEach(async () => void (proxy = await startFaultyProxy(target)))
  afterEach(() => proxy.close())
  const behind = (times: Partial<S3Times> = {}) => open({ endpoint: `http://${proxy.host}` }, times)

  it('is waited for by what is put: nothing of it is lost', async () => {
    const store = await behind()
    const { body, digest } = bodyOf(50, (done) => {
      if (done !== 20) return
      proxy.mode = 'down'
      setTimeout(() => (proxy.mode = 'pass'), 500)
    })
    await store.put('large', body)
    expect(proxy.mode).toBe('pass')
    expect(await digestOf(await store.get('large'))).toBe(digest())
    expect(await bucket.uploads()).toEqual([])
  })

  it('is given up after a while, and nothing is left behind once it is back', async () => {
    const store = await behind({ putPatienceMs: 300 })
    await store.put('large', Buffer.from('old'))
    const { body } = bodyOf(50, (done) => {
      if (done === 20) proxy.mode = 'down'
    })
    await expect(store.put('large', body)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /^The object storage with the bucket faults-\d+ is away or broken/,
      ),
    })
    await expect(store.check()).rejects.toThrow('is away or broken')
    expect(await bucket.uploads()).toEqual(['large'])
    proxy.mode = 'pass'
    await vi.waitFor(async () => expect(await bucket.uploads()).toEqual([]), { timeout: 10_000 })
    expect(await bucket.read('large')).toBe('old')
    await store.check()
  })

  it('is not waited for longer than a put may take, where it stalls', async () => {
    const store = await behind()
    proxy.mode = 'hang'
    await expect(store.put('key', Buffer.from('x'), { timeoutMs: 300 })).rejects.toThrow('300 ms')
    proxy.mode = 'pass'
    await store.put('key', Buffer.from('y'))
    expect(await bucket.read('key')).toBe('y')
    expect(await bucket.uploads()).toEqual([])
  })

  it('is asked again where one answer does not come', async () => {
    const store = await behind({ attemptMs: 300 })
    await store.put('key', Buffer.from('content'))
    proxy.mode = 'hang'
    const hung = proxy.nextHung()
    const head = store.head('key')
    await hung
    proxy.mode = 'pass'
    expect((await head)?.size).toBe(7)
  })

  it('is not waited for once it is closed', async () => {
    const store = await behind()
    proxy.mode = 'hang'
    const hung = proxy.nextHung()
    const put = store.put('key', Buffer.from('x')).catch((error: unknown) => error)
    await hung
    await store.close()
    expect(await put).toMatchObject({ message: 'the object store is closed' })
    await expect(store.head('key')).rejects.toThrow('closed')
  })
})

describe('an answer that is lost on its way', () => {
  let proxy: CuttingProxy
  beforeEach(async () => void (proxy = await startCuttingProxy(target)))
  afterEach(() => proxy.close())

  it('does not make a put fail that was completed', async () => {
    const store = await open({ endpoint: `http://${proxy.host}` })
    let lost = 0
    proxy.cut = ({ method, url }) => {
      if (method !== 'POST' || !url.includes('uploadId=') || lost > 0) return null
      lost += 1
      return 0
    }
    const { body, digest } = bodyOf(20)
    await store.put('large', body)
    expect(lost).toBe(1)
    expect(await digestOf(await store.get('large'))).toBe(digest())
    expect(await bucket.uploads()).toEqual([])
  })

  it('is gone on with where it broke off', async () => {
    const store = await open({ endpoint: `http://${proxy.host}` })
    const { body, digest } = bodyOf(20)
    await store.put('large', body)
    const whole = digest()
    let cuts = 0
    proxy.cut = ({ method }) => (method === 'GET' && cuts++ < 2 ? 3 * mebibyte + 7 : null)
    expect(await digestOf(await store.get('large'))).toBe(whole)
    expect(cuts).toBe(3)
  })

  it('is not gone on with in another object', async () => {
    const store = await open({ endpoint: `http://${proxy.host}` })
    await store.put('large', bodyOf(20).body)
    let cuts = 0
    proxy.cut = ({ method }) => (method === 'GET' && cuts++ < 1 ? mebibyte : null)
    const stream = await store.get('large')
    await store.put('large', bodyOf(20).body)
    await expect(digestOf(stream)).rejects.toThrow('PreconditionFailed')
  })
})

describe('a store that refuses', () => {
  it('says so of wrong keys', async () => {
    const keys = bucket.place.keys!
    const wrong = await open({ keys: { ...keys, secretAccessKey: 'wrong' } })
    await expect(wrong.check()).rejects.toThrow(
      /^The object storage refuses the credentials, or what is asked with them of the bucket \S+: SignatureDoesNotMatch$/,
    )
    await expect(wrong.get('key')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(wrong.head('key')).rejects.toThrow('refuses the credentials')
    const unknown = await open({ keys: { ...keys, accessKeyId: 'nobody' } })
    await expect(unknown.put('key', Buffer.from('x'))).rejects.toThrow('InvalidAccessKeyId')
  })

  it('says that there is no such bucket, and not that there is no such object', async () => {
    const store = await open({ bucket: 'no-such-bucket' })
    const missing = 'The object storage has no bucket no-such-bucket'
    await expect(store.check()).rejects.toThrow(missing)
    await expect(store.put('key', Buffer.from('x'))).rejects.toThrow(missing)
    await expect(store.get('key')).rejects.toThrow(missing)
    await expect(store.head('key')).rejects.toThrow(missing)
    await expect(store.deletePrefix('a/')).rejects.toThrow(missing)
  })

  it('says that it is full, at once, and keeps what there was', async () => {
    const store = await open()
    await store.put('key', Buffer.from('old'))
    await s3.admin(
      'quota',
      'set',
      '--quota-scope=bucket',
      '--uid=ci',
      `--bucket=${bucket.place.bucket}`,
      '--max-size=1048576',
    )
    await s3.admin(
      'quota',
      'enable',
      '--quota-scope=bucket',
      '--uid=ci',
      `--bucket=${bucket.place.bucket}`,
    )
    const full = /^The object storage is full: the bucket \S+ answers QuotaExceeded$/
    await expect(store.put('key', randomBytes(2 * mebibyte))).rejects.toThrow(full)
    await expect(store.put('key', bodyOf(40).body)).rejects.toThrow(full)
    expect(await bucket.read('key')).toBe('old')
    expect(await bucket.keys()).toEqual(['key'])
    expect(await bucket.uploads()).toEqual([])
  })
})
