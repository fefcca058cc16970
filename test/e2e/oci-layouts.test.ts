import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openImageLayout, pushImageLayout } from '../../packages/server/src/oci/index.ts'
import { createLayout, ociTypes, sha256, tarOf, type TestLayout } from '../support/image-layout.ts'
import { type OciServer, startOciServer } from '../support/oci-server.ts'

const run = promisify(execFile)
const { signal } = new AbortController()

let server: OciServer
let base: string
let count = 0
let repository: string
let layout: TestLayout

beforeAll(async () => {
  server = await startOciServer()
  base = await mkdtemp(join(tmpdir(), 'slipway-layouts-'))
})
afterAll(async () => {
  await server.close()
  await rm(base, { recursive: true, force: true })
})
beforeEach(async () => {
  repository = `acme/test-${++count}`
  layout = await createLayout(join(base, `layout-${count}`))
})

async function push(path: string) {
  const opened = await openImageLayout(path, signal)
  try {
    const input = { repository, layout: opened, tags: ['v1'] }
    return await pushImageLayout(server.store, input, signal)
  } finally {
    await opened.close()
  }
}
/** What it is refused with; fails where anything of it became visible. */
async function refusal(path: string): Promise<string> {
  const error = await push(path).then(
    () => null,
    (thrown: unknown) => thrown as Error & { code?: string },
  )
  expect(error).toMatchObject({ code: 'invalid_request' })
  expect(await server.store.listTags(repository, { after: null, limit: 9 })).toBeNull()
  return error?.message ?? ''
}
const blob = (digest: string) => join(layout.folder, 'blobs', digest.replace(':', '/'))
const write = async (name: string, content: Buffer | string) => {
  const path = join(base, `${count}-${name}`)
  await writeFile(path, content)
  return path
}

describe('a folder that is no image layout', () => {
  it.each([
    [
      'an empty folder',
      async () => rm(layout.folder, { recursive: true }).then(() => mkdir(layout.folder)),
      /neither oci-layout .* nor manifest.json/,
    ],
    ['no index', async () => {}, /lacks the file index.json/],
    [
      'another version',
      async () => writeFile(join(layout.folder, 'oci-layout'), '{"imageLayoutVersion":"9"}'),
      /imageLayoutVersion 1.0.0/,
    ],
    [
      'a broken index',
      async () => writeFile(join(layout.folder, 'index.json'), '{'),
      /not a JSON object/,
    ],
    ['no image', async () => layout.name(), /holds no image/],
    [
      'a marker that is too large',
      async () => writeFile(join(layout.folder, 'oci-layout'), ' '.repeat(5000)),
      /oci-layout of the image is larger/,
    ],
  ])('with %s is refused', async (_what, spoil, message) => {
    await spoil()
    expect(await refusal(layout.folder)).toMatch(message)
  })

  it('is refused when index.json is a link, or a pipe', async () => {
    await layout.name(await layout.addImage())
    const index = join(layout.folder, 'index.json')
    await rm(index)
    await symlink('/etc/passwd', index)
    expect(await refusal(layout.folder)).toMatch(/lacks the file index.json/)
    await rm(index)
    await run('mkfifo', [index])
    expect(await refusal(layout.folder)).toMatch(/lacks the file index.json/)
  })
})

describe('an image that is not whole', () => {
  it('lacks a layer', async () => {
    const image = await layout.addImage()
    await layout.name(image)
    const config = await layout.add(ociTypes.config, { missing: true })
    const broken = await layout.add(ociTypes.manifest, {
      schemaVersion: 2,
      config,
      layers: [{ mediaType: ociTypes.layer, digest: `sha256:${'0'.repeat(64)}`, size: 10 }],
    })
    await layout.name(broken)
    expect(await refusal(layout.folder)).toBe(
      `The image lacks its content sha256:${'0'.repeat(64)}`,
    )
  })

  it('has a layer of another size', async () => {
    const image = await layout.addImage()
    const config = await layout.add(ociTypes.config, {})
    const layer = await layout.add(ociTypes.layer, Buffer.from('a layer'))
    const manifest = { schemaVersion: 2, config, layers: [{ ...layer, size: 8 }] }
    await layout.name(await layout.add(ociTypes.manifest, manifest))
    expect(await refusal(layout.folder)).toMatch(/should have 8 bytes and has 7/)
    await layout.name({ ...image, size: image.size + 1 })
    expect(await refusal(layout.folder)).toMatch(/should have \d+ bytes and has/)
  })

  it('has other content than its digests say', async () => {
    const config = await layout.add(ociTypes.config, {})
    const layer = await layout.add(ociTypes.layer, Buffer.from('a layer'))
    const image = await layout.add(ociTypes.manifest, { schemaVersion: 2, config, layers: [layer] })
    await layout.name(image)
    await writeFile(blob(layer.digest), 'A LAYER')
    expect(await refusal(layout.folder)).toMatch(/The content of sha256:\w+ is that of sha256:/)
    await writeFile(blob(image.digest), Buffer.alloc(image.size, ' '))
    expect(await refusal(layout.folder)).toMatch(/The content of sha256:\w+ is that of sha256:/)
  })

  it('has a layer that is a link out of its folder, or a folder of blobs that is one', async () => {
    const secret = await write('secret', 'a secret file')
    const config = await layout.add(ociTypes.config, {})
    const layer = {
      mediaType: ociTypes.layer,
      digest: `sha256:${sha256('a secret file')}`,
      size: 13,
    }
    await layout.name(
      await layout.add(ociTypes.manifest, { schemaVersion: 2, config, layers: [layer] }),
    )
    await symlink(secret, blob(layer.digest))
    expect(await refusal(layout.folder)).toMatch(/lacks its content/)

    const other = await createLayout(join(base, `other-${count}`))
    await other.name(await other.addImage())
    await rm(join(other.folder, 'blobs/sha256'), { recursive: true })
    await symlink(join(layout.folder, 'blobs/sha256'), join(other.folder, 'blobs/sha256'))
    expect(await refusal(other.folder)).toMatch(/lacks its content/)
  })

  it('leads out of its folder by a digest', async () => {
    await layout.name({ mediaType: ociTypes.manifest, digest: 'sha256:../../oci-layout', size: 30 })
    expect(await refusal(layout.folder)).toMatch(/digest must be sha256: and 64 hexadecimal digits/)
  })

  it('has a manifest that is far too large', async () => {
    const giant = await layout.add(ociTypes.manifest, Buffer.alloc(4 * 2 ** 20 + 1, ' '))
    await layout.name(giant)
    expect(await refusal(layout.folder)).toMatch(/is larger than 4194304 bytes/)
  })

  it('has many large manifests', async () => {
    const config = await layout.add(ociTypes.config, {})
    const large = async (index: number) =>
      layout.add(ociTypes.manifest, {
        schemaVersion: 2,
        config,
        layers: [],
        annotations: { index: String(index), filling: ' '.repeat(4_000_000) },
      })
    const manifests = await Promise.all(Array.from({ length: 9 }, (_, index) => large(index)))
    await layout.name(await layout.add(ociTypes.index, { schemaVersion: 2, manifests }))
    expect(await refusal(layout.folder)).toMatch(/have more than 33554432 bytes together/)
  })

  it('nests indexes without an end', async () => {
    let inner = await layout.addImage()
    for (let depth = 0; depth < 6; depth++) {
      inner = await layout.add(ociTypes.index, { schemaVersion: 2, manifests: [inner] })
    }
    await layout.name(inner)
    expect(await refusal(layout.folder)).toMatch(/nests indexes more than 3 deep/)
  })

  it('is one of several, of which nobody says which', async () => {
    const [one, other] = [await layout.addImage(), await layout.addImage()]
    await layout.name(one, other)
    expect(await refusal(layout.folder)).toMatch(/holds 2 images; leave the one/)
    const named = { ...one, annotations: { 'org.opencontainers.image.ref.name': 'other' } }
    await layout.name(one, named)
    expect((await push(layout.folder)).digest).toBe(one.digest)
  })
})

describe('an archive', () => {
  const entries = async () => {
    const config = Buffer.from('{"rootfs":{}}')
    return { config, layer: await tarOf({ file: 'content' }) }
  }
  /** What `docker save` before version 25 writes. */
  const saved = async (
    over: { manifest?: unknown; config?: object; more?: Record<string, string> } = {},
  ) => {
    const layer = await tarOf({ greeting: 'hello' })
    const config = over.config ?? { rootfs: { diff_ids: [`sha256:${sha256(layer)}`] } }
    const manifest = over.manifest ?? [
      { Config: 'c.json', RepoTags: null, Layers: ['a/layer.tar'] },
    ]
    return tarOf({
      'a/layer.tar': layer,
      'c.json': JSON.stringify(config),
      'manifest.json': JSON.stringify(manifest),
      ...over.more,
    })
  }

  it('of docker save becomes an image, and always the same', async () => {
    const path = await write('saved.tar', await saved())
    const first = await push(path)
    expect(await push(path)).toEqual(first)
    const manifest = await server.store.getManifest(repository, 'v1', signal)
    expect(JSON.parse(manifest?.content.toString() ?? '')).toMatchObject({
      mediaType: ociTypes.manifest,
      config: { mediaType: ociTypes.config },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar' }],
    })
  })

  it('of docker save may hold a layer twice, as a link', async () => {
    const folder = join(base, `saved-${count}`)
    await mkdir(join(folder, 'a'), { recursive: true })
    await mkdir(join(folder, 'b'))
    const layer = await tarOf({ greeting: 'hello' })
    await writeFile(join(folder, 'a/layer.tar'), layer)
    await symlink('../a/layer.tar', join(folder, 'b/layer.tar'))
    const id = `sha256:${sha256(layer)}`
    await writeFile(join(folder, 'c.json'), JSON.stringify({ rootfs: { diff_ids: [id, id] } }))
    const manifest = [{ Config: 'c.json', Layers: ['a/layer.tar', 'b/layer.tar'] }]
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
    const path = join(base, `saved-${count}.tar`)
    await run('tar', ['-C', folder, '-cf', path, 'manifest.json', 'c.json', 'a', 'b'])
    const { digest } = await push(path)
    const found = await server.store.getManifest(repository, digest, signal)
    expect(
      JSON.parse(found?.content.toString() ?? '').layers.map(
        (one: { digest: string }) => one.digest,
      ),
    ).toEqual([id, id])
  })

  it.each([
    ['several images', { manifest: [{}, {}] }, /holds 2 images/],
    ['no image', { manifest: [] }, /names no image/],
    ['no list', { manifest: { Config: 'c.json' } }, /names no image/],
    ['no layers', { manifest: [{ Config: 'c.json' }] }, /lacks Config or Layers/],
    [
      'a layer that is not there',
      { manifest: [{ Config: 'c.json', Layers: ['x'] }] },
      /lacks the layer x/,
    ],
    [
      'a layer out of it',
      { manifest: [{ Config: 'c.json', Layers: ['../../etc/passwd'] }] },
      /lacks the layer/,
    ],
    [
      'another layer than its config says',
      { config: { rootfs: { diff_ids: [`sha256:${'0'.repeat(64)}`] } } },
      /and its config says sha256:0/,
    ],
    [
      'fewer layers than its config says',
      { config: { rootfs: { diff_ids: [] } } },
      /speaks of 0 layers, and it has 1/,
    ],
    ['a config without layers', { config: {} }, /lacks rootfs.diff_ids/],
  ])('of docker save with %s is refused', async (_what, over, message) => {
    expect(await refusal(await write('bad.tar', await saved(over)))).toMatch(message)
  })

  it('of docker save that was unpacked leads no further than its folder', async () => {
    const folder = join(base, `unpacked-${count}`)
    await mkdir(folder)
    await run('tar', ['-C', folder, '-xf', await write('saved.tar', await saved())])
    await push(folder)
    await write('secret.json', JSON.stringify({ rootfs: { diff_ids: [] } }))
    const manifest = [{ Config: `../${count}-secret.json`, Layers: [] }]
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
    repository = `acme/none-${count}`
    expect(await refusal(folder)).toMatch(/lacks the file ..\/\d+-secret.json/)
  })

  it('that leads out of itself is refused', async () => {
    for (const name of ['../outside', '/etc/outside', 'a/../../outside']) {
      const { config } = await entries()
      const path = await write('evil.tar', await tarOf({ [name]: config }))
      expect(await refusal(path)).toMatch(/leads out of it/)
    }
  })

  it('that is cut off, compressed, empty or nothing of the kind is refused', async () => {
    const whole = await saved()
    expect(await refusal(await write('cut.tar', whole.subarray(0, 700)))).toMatch(/cut off/)
    expect(await refusal(await write('zipped.tar.gz', gzipSync(whole)))).toMatch(/compressed/)
    expect(await refusal(await write('empty.tar', ''))).toMatch(/empty or no archive/)
    expect(await refusal(await write('text.tar', 'x'.repeat(2000)))).toMatch(/no tar archive/)
    const other = await tarOf({ readme: 'x' })
    expect(await refusal(await write('other.tar', other))).toMatch(/neither oci-layout/)
  })

  it('that claims sizes that nobody has is refused, and costs nothing', async () => {
    const archive = await tarOf({ 'oci-layout': 'x' })
    archive.write('77777777777\0', 124, 'latin1')
    archive.fill(' ', 148, 156)
    const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    expect(await refusal(await write('huge.tar', archive))).toMatch(/cut off/)
  })

  it('of GNU tar with long names and large numbers is read as tar reads it', async () => {
    const folder = join(base, `long-${count}`)
    const inner = await createLayout(join(folder, 'x'.repeat(120)))
    await inner.name(await inner.addImage())
    for (const format of ['gnu', 'pax', 'ustar', 'v7']) {
      const path = join(base, `long-${count}-${format}.tar`)
      await run('tar', [`--format=${format}`, '-C', inner.folder, '-cf', path, '.'])
      await push(path)
    }
    const path = join(base, `long-${count}.tar`)
    await run('tar', ['--format=gnu', '-C', folder, '-cf', path, '.'])
    await expect(push(path)).rejects.toThrow(/neither oci-layout/)
  })

  it('of any bytes ends in a refusal', async () => {
    const whole = await saved()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), {
          minLength: 1,
          maxLength: 8,
        }),
        async (changes) => {
          const spoilt = Buffer.from(whole)
          for (const { at, byte } of changes) spoilt[at] = byte
          const path = await write('spoilt.tar', spoilt)
          const opened = await openImageLayout(path, signal).catch((error: unknown) => error)
          if (opened instanceof Error) expect(opened).toMatchObject({ code: 'invalid_request' })
          else await (opened as { close(): Promise<void> }).close()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('that is a link, a device or not there is not opened', async () => {
    const path = await write('real.tar', await saved())
    const link = join(base, `link-${count}.tar`)
    await symlink(path, link)
    expect(await refusal(link)).toBe('The image is not there, or is a link')
    expect(await refusal(join(base, 'nothing'))).toBe('The image is not there, or is a link')
    expect(await refusal('/dev/null')).toMatch(/a folder or an archive, and this is neither/)
  })
})
