import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDistributionRegistry } from '../../packages/server/src/adapters/registry/distribution/create-distribution-registry.ts'
import {
  ociName,
  openImageLayout,
  pushArtifact,
  pushImageLayout,
} from '../../packages/server/src/oci/index.ts'
import type { Registry } from '../../packages/server/src/ports/registry.ts'
import { registryUser, startDockerRegistry } from '../support/docker-registry.ts'
import { createLayout, ociTypes } from '../support/image-layout.ts'
import { skopeo, startOciServer } from '../support/oci-server.ts'

const run = promisify(execFile)
const { signal } = new AbortController()

interface World {
  registry: Registry
  /** What stands before a repository for clients. */
  host: string
  /** `user:password`. */
  login: string
  close(): Promise<void>
}

const worlds: Record<string, () => Promise<World>> = {
  async 'the embedded store'() {
    const server = await startOciServer()
    const token = await server.tokenFor(['viewer'])
    const { store: registry, host, close } = server
    return { registry, host, login: `anybody:${token}`, close }
  },
  async 'a docker-registry'() {
    const server = await startDockerRegistry()
    const { host, close } = server
    const openCredential = async () => registryUser
    const registry = createDistributionRegistry({ registry: host, openCredential })
    return { registry, host, login: `${registryUser.username}:${registryUser.password}`, close }
  },
}

describe.each(Object.keys(worlds))('skopeo and %s', (name) => {
  let world: World
  let scratch: string
  beforeAll(async () => {
    world = await (worlds[name] as () => Promise<World>)()
    scratch = await mkdtemp(join(tmpdir(), 'slipway-skopeo-'))
  })
  afterAll(async () => {
    await world.close()
    await rm(scratch, { recursive: true, force: true })
  })

  const repository = ociName('Acme/Shop', 'api')
  const fresh = () => join(scratch, randomBytes(6).toString('hex'))
  const source = (reference: string) => `docker://${world.host}/${repository}${reference}`
  const inspect = async (reference: string, ...more: string[]) =>
    JSON.parse(
      await skopeo(
        'inspect',
        '--tls-verify=false',
        '--creds',
        world.login,
        ...more,
        source(reference),
      ),
    )
  /** Copies to an OCI layout, whose digests must stay; answers the digest that it names. */
  const copy = async (
    reference: string,
    ...more: string[]
  ): Promise<{ digest: string; folder: string }> => {
    const folder = fresh()
    const how = '--preserve-digests --src-tls-verify=false --src-creds'.split(' ')
    await skopeo('copy', ...how, world.login, ...more, source(reference), `oci:${folder}`)
    const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
    return { digest: index.manifests[0].digest, folder }
  }
  const push = async (path: string, tag: string) => {
    const layout = await openImageLayout(path, signal)
    try {
      return await pushImageLayout(world.registry, { repository, layout, tags: [tag] }, signal)
    } finally {
      await layout.close()
    }
  }

  it('pulls an image of one platform by tag and by digest', async () => {
    const layout = await createLayout(fresh())
    const image = await layout.addImage()
    await layout.name(image)
    const { digest, size } = await push(layout.folder, 'v1.0.0')
    expect({ digest, size }).toEqual({ digest: image.digest, size: image.size })
    expect((await copy(':v1.0.0')).digest).toBe(digest)
    expect((await copy(`@${digest}`)).digest).toBe(digest)
    expect(await inspect(':v1.0.0')).toMatchObject({
      Name: `${world.host}/${repository}`,
      Digest: digest,
      RepoTags: expect.arrayContaining(['v1.0.0']),
      Architecture: 'amd64',
      Os: 'linux',
    })
  })

  it('pulls every platform of an image', async () => {
    const layout = await createLayout(fresh())
    const images = [await layout.addImage('amd64'), await layout.addImage('arm64')]
    const index = await layout.add(ociTypes.index, {
      schemaVersion: 2,
      mediaType: ociTypes.index,
      manifests: images,
    })
    await layout.name(index)
    const { digest } = await push(layout.folder, 'all')
    expect(digest).toBe(index.digest)
    const copied = await copy(':all', '--all')
    expect(copied.digest).toBe(digest)
    const again = await push(copied.folder, 'again')
    expect(again.digest).toBe(digest)
    const [, arm] = images
    const one = await copy(':all', '--override-arch', 'arm64')
    expect(one.digest).toBe(arm?.digest)
  })

  it('pulls images that a layout names for one platform each', async () => {
    const layout = await createLayout(fresh())
    const images = [await layout.addImage('amd64'), await layout.addImage('arm64')]
    await layout.name(...images)
    const { digest } = await push(layout.folder, 'joined')
    expect((await copy(':joined', '--all')).digest).toBe(digest)
    expect(
      (await inspect(':joined', '--raw')).manifests.map((one: { digest: string }) => one.digest),
    ).toEqual(images.map((image) => image.digest))
  })

  it('pulls what comes out of archives, of an OCI layout and of docker save', async () => {
    const layout = await createLayout(fresh())
    await layout.name(await layout.addImage())
    const archive = `${fresh()}.tar`
    await run('tar', ['-C', layout.folder, '-cf', archive, '.'])
    const { digest } = await push(archive, 'archive')
    expect((await copy(':archive')).digest).toBe(digest)

    const saved = `${fresh()}.tar`
    await skopeo('copy', `oci:${layout.folder}`, `docker-archive:${saved}:shop:latest`)
    const first = await push(saved, 'saved')
    expect(await push(saved, 'saved')).toEqual(first)
    expect((await copy(':saved')).digest).toBe(first.digest)
    const config = await inspect(':saved', '--config')
    const original = JSON.parse(await skopeo('inspect', '--config', `oci:${layout.folder}`))
    expect(config.rootfs).toEqual(original.rootfs)
  })

  it('pulls an artifact with its layers', async () => {
    const content = randomBytes(300_000)
    const { digest } = await pushArtifact(
      world.registry,
      {
        repository,
        artifactType: 'application/vnd.forge.release.v1+json',
        layers: [
          {
            mediaType: 'application/vnd.forge.release.metadata.v1+json',
            content: Buffer.from('{"release":42}'),
            annotations: { 'org.opencontainers.image.title': 'release.json' },
          },
          { mediaType: 'application/octet-stream', content },
        ],
        annotations: { 'org.opencontainers.image.revision': 'a'.repeat(40) },
        tags: ['a'.repeat(40)],
      },
      signal,
    )
    const copied = await copy(`:${'a'.repeat(40)}`)
    expect(copied.digest).toBe(digest)
    const manifest = await inspect(`@${digest}`, '--raw')
    expect(manifest.artifactType).toBe('application/vnd.forge.release.v1+json')
    const [, layer] = manifest.layers as { digest: string }[]
    const blob = join(copied.folder, 'blobs', (layer?.digest ?? '').replace(':', '/'))
    expect((await readFile(blob)).equals(content)).toBe(true)
  })

  it('lists tags', async () => {
    const listed = JSON.parse(
      await skopeo('list-tags', '--tls-verify=false', '--creds', world.login, source('')),
    )
    expect(listed.Tags).toEqual(expect.arrayContaining(['v1.0.0', 'all', 'archive', 'saved']))
  })

  it('refuses a wrong password, and whatever would be pushed without one', async () => {
    const login = `anybody:slw_${'x'.repeat(40)}`
    const from = source(':v1.0.0')
    const wrong = skopeo('inspect', '--tls-verify=false', '--creds', login, from)
    await expect(wrong).rejects.toMatchObject({
      stderr: expect.stringMatching(/unauthorized|authentication/i),
    })
    const none = skopeo('inspect', '--tls-verify=false', '--no-creds', from)
    await expect(none).rejects.toMatchObject({
      stderr: expect.stringMatching(/unauthorized|authentication/i),
    })
  })

  it('does not know what is not there', async () => {
    const missing = inspect(':never')
    await expect(missing).rejects.toMatchObject({
      stderr: expect.stringContaining('manifest unknown'),
    })
  })
})

describe('skopeo and the embedded store', () => {
  it('cannot push', async () => {
    const server = await startOciServer()
    try {
      const layout = await createLayout(join(server.scratch, 'layout'))
      await layout.name(await layout.addImage())
      const login = `anybody:${server.token}`
      const to = `docker://${server.host}/acme/shop:v1`
      const how = ['--dest-tls-verify=false', '--dest-creds', login]
      const push = skopeo('copy', ...how, `oci:${layout.folder}`, to)
      await expect(push).rejects.toMatchObject({
        stderr: expect.stringMatching(/unsupported|405|can only be read/i),
      })
      expect(await server.store.listTags('acme/shop', { after: null, limit: 1 })).toBeNull()
    } finally {
      await server.close()
    }
  })
})
