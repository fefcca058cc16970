import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { collectBlobs } from '../../packages/server/src/adapters/registry/embedded/collect-blobs.ts'
import { createEmbeddedRegistry } from '../../packages/server/src/adapters/registry/embedded/create-embedded-registry.ts'
import { blobOf, pushArtifact } from '../../packages/server/src/oci/index.ts'
import { createTestDatabase } from '../support/database.ts'
import { registrySuite } from './registry.suite.ts'

async function make() {
  const database = await createTestDatabase()
  const root = await mkdtemp(join(tmpdir(), 'slipway-oci-'))
  const objects = createFilesystemObjectStore({ root, log: pino({ level: 'silent' }) })
  const { db } = database
  const base = () => 'slipway.example.test'
  return {
    db,
    objects,
    registry: createEmbeddedRegistry({ db, objects, base }),
    stored: () => readdir(join(root, 'oci/blobs/sha256')).catch(() => []),
    async dispose() {
      await objects.close()
      await database.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

registrySuite('embedded', make)

const { signal } = new AbortController()
const hex = (digest: string) => digest.slice('sha256:'.length)

describe('the embedded registry', () => {
  let world: Awaited<ReturnType<typeof make>>
  beforeEach(async () => void (world = await make()))
  afterEach(() => world.dispose())

  const push = (repository: string, content: Buffer, tags: string[] = []) =>
    pushArtifact(
      world.registry,
      {
        repository,
        artifactType: 'application/vnd.test.thing',
        layers: [{ mediaType: 'text/plain', content }],
        tags,
      },
      signal,
    )
  const age = (repository?: string) =>
    sql`update oci_blobs set wanted_at = now() - interval '2 days'
         where ${repository ?? null}::text is null or repository = ${repository ?? ''}`.execute(
      world.db,
    )
  const collect = () => collectBlobs(world, { before: new Date(Date.now() - 86_400_000), signal })

  it('stores content that is in two repositories once, and shows it in those alone', async () => {
    const blob = blobOf(randomBytes(1000))
    await world.registry.putBlob('acme/one', blob, signal)
    await world.registry.putBlob('acme/two', blob, signal)
    expect(await world.stored()).toEqual([hex(blob.digest)])
    expect(await world.registry.getBlob('acme/three', blob.digest, signal)).toBeNull()
  })

  it('gives nobody content for knowing its digest', async () => {
    const blob = blobOf(Buffer.from('a secret of acme'))
    await world.registry.putBlob('acme/one', blob, signal)
    const claim = { ...blob, open: () => Readable.from([Buffer.alloc(blob.size)]) }
    await expect(world.registry.putBlob('evil/one', claim, signal)).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(await world.registry.getBlob('evil/one', blob.digest, signal)).toBeNull()
  })

  it('collects what no manifest needs after a day, and nothing else', async () => {
    const needed = randomBytes(100)
    const { digest } = await push('acme/shop', needed, ['v1'])
    const young = blobOf(randomBytes(100))
    const old = blobOf(randomBytes(100))
    const elsewhere = blobOf(needed)
    await world.registry.putBlob('acme/shop', old, signal)
    await world.registry.putBlob('acme/other', old, signal)
    await world.registry.putBlob('acme/other', elsewhere, signal)
    await age()
    await world.registry.putBlob('acme/shop', young, signal)
    expect(await collect()).toBe(3)
    expect(await world.registry.getBlob('acme/shop', old.digest, signal)).toBeNull()
    expect(new Set(await world.stored())).toEqual(
      new Set([young, elsewhere, blobOf(Buffer.from('{}'))].map(({ digest }) => hex(digest))),
    )
    const manifest = await world.registry.getManifest('acme/shop', 'v1', signal)
    expect(manifest?.digest).toBe(digest)
    const found = await world.registry.getBlob('acme/shop', elsewhere.digest, signal)
    expect(found === null ? null : await buffer(found.body)).toEqual(needed)
    expect(await collect()).toBe(0)
  })

  it('keeps content that another repository still has', async () => {
    const blob = blobOf(randomBytes(100))
    await world.registry.putBlob('acme/old', blob, signal)
    await world.registry.putBlob('acme/new', blob, signal)
    await age('acme/old')
    expect(await collect()).toBe(1)
    expect(await world.stored()).toEqual([hex(blob.digest)])
    expect(await world.registry.blobSize('acme/new', blob.digest)).toBe(100)
  })

  it('uploads again what was collected, and keeps what is asked for again', async () => {
    const blob = blobOf(randomBytes(100))
    await world.registry.putBlob('acme/shop', blob, signal)
    await age()
    await world.registry.putBlob('acme/shop', blob, signal)
    expect(await collect()).toBe(0)
    await age()
    expect(await collect()).toBe(1)
    expect(await world.stored()).toEqual([])
    await world.registry.putBlob('acme/shop', blob, signal)
    expect(await world.registry.blobSize('acme/shop', blob.digest)).toBe(100)
  })

  it('collects what an upload that broke off has left behind', async () => {
    const blob = blobOf(randomBytes(100))
    const broken = { ...blob, open: () => Readable.from([Buffer.alloc(1)]) }
    await expect(world.registry.putBlob('acme/shop', broken, signal)).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await age()
    expect(await collect()).toBe(1)
    const { rows } = await sql`select 1 from oci_blobs`.execute(world.db)
    expect(rows).toEqual([])
  })

  it('never loses content to a collector that runs beside uploads', async () => {
    const contents = Array.from({ length: 8 }, () => randomBytes(2000))
    for (let round = 0; round < 4; round++) {
      for (const content of contents) {
        await world.registry.putBlob('acme/shop', blobOf(content), signal)
      }
      await age()
      const pushes = contents.map((content, index) => push('acme/shop', content, [`t${index}`]))
      const collecting = Promise.all([collect(), collect()])
      const settled = await Promise.allSettled(pushes)
      await collecting
      for (const [index, outcome] of settled.entries()) {
        // A push that came too late is refused, and not half there.
        if (outcome.status === 'rejected') {
          expect(outcome.reason).toMatchObject({ code: 'invalid_request' })
          continue
        }
        const digest = blobOf(contents[index] ?? Buffer.alloc(0)).digest
        const found = await world.registry.getBlob('acme/shop', digest, signal)
        expect(found === null ? null : await buffer(found.body)).toEqual(contents[index])
      }
      await sql`delete from oci_tags`.execute(world.db)
      await sql`delete from oci_manifests`.execute(world.db)
    }
  })

  it('lists tags, repositories and referrers page by page', async () => {
    const { registry } = world
    expect(await registry.listTags('acme/shop', { after: null, limit: 10 })).toBeNull()
    const { digest } = await push('acme/shop', Buffer.from('a'), ['b', 'A', 'a-1', 'a'])
    await push('acme/shop-2', Buffer.from('b'), [])
    await push('zoo', Buffer.from('c'), [])
    expect(await registry.listTags('acme/shop', { after: null, limit: 3 })).toEqual([
      'A',
      'a',
      'a-1',
    ])
    expect(await registry.listTags('acme/shop', { after: 'a-1', limit: 3 })).toEqual(['b'])
    expect(await registry.listTags('acme/shop-2', { after: null, limit: 3 })).toEqual([])
    const names = await registry.listRepositories({ after: null, limit: 2 })
    expect(names).toEqual(['acme/shop', 'acme/shop-2'])
    expect(await registry.listRepositories({ after: 'acme/shop-2', limit: 2 })).toEqual(['zoo'])
    const found = await registry.getManifest('acme/shop', digest, signal)
    const { mediaType = '', content = Buffer.alloc(0) } = found ?? {}
    const subject = { mediaType, digest, size: content.length }
    const about = await Promise.all(
      ['x', 'y'].map((type) =>
        pushArtifact(
          registry,
          { repository: 'acme/shop', artifactType: `text/${type}`, layers: [], tags: [], subject },
          signal,
        ),
      ),
    )
    const page = { after: null, limit: 10, artifactType: null }
    const all = await registry.listReferrers('acme/shop', digest, page)
    expect(all.map((one) => one.digest)).toEqual(about.map((one) => one.digest).toSorted())
    const only = await registry.listReferrers('acme/shop', digest, {
      ...page,
      artifactType: 'text/y',
    })
    expect(only.map((one) => one.artifactType)).toEqual(['text/y'])
  })
})
