import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNpmPublisher } from '../../packages/server/src/adapters/publisher/npm/create-npm-publisher.ts'
import { packTarGz } from '../../packages/server/src/oci/index.ts'
import { type NpmRegistry, startNpmRegistry } from '../support/npm-registry.ts'
import { artifact, fileContent, unaborted } from './publisher.suite.ts'

// Against a registry that holds to the documented protocol; npm itself publishes to it and installs from it.

const run = promisify(execFile)
let root: string
let registry: NpmRegistry

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-npm-'))
  registry = await startNpmRegistry()
  const { host } = new URL(registry.url)
  await writeFile(join(root, 'npmrc'), `//${host}/:_authToken=${registry.token}\n`)
})
afterAll(async () => {
  await registry.close()
  await rm(root, { recursive: true, force: true })
})

/** npm's own client, with nothing of this machine's settings. */
async function npm(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('npm', args, {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: root,
      npm_config_userconfig: join(root, 'npmrc'),
      npm_config_registry: registry.url,
      npm_config_cache: join(root, 'cache'),
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
    },
  })
  return stdout
}

async function packageFolder(manifest: object): Promise<string> {
  const folder = await mkdtemp(join(root, 'package-'))
  await mkdir(join(folder, 'lib'))
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'lib', 'index.js'), 'module.exports = 42\n')
  return folder
}

async function folderContent(folder: string) {
  return fileContent(await buffer(packTarGz({ path: folder }, unaborted)), 'package.tar.gz')
}

function publish(
  content: ReturnType<typeof fileContent>,
  more: Record<string, unknown> = {},
  token = registry.token,
) {
  const publisher = createNpmPublisher({
    scratchDirectory: join(root, 'scratch'),
    openToken: async () => token,
  })
  const keys = { registry: registry.url, ...more }
  return publisher.publish(
    { artifact, content, with: keys, credential: 'npm', askedBy: null },
    unaborted,
  )
}

async function install(what: string): Promise<string> {
  const folder = await mkdtemp(join(root, 'install-'))
  await writeFile(join(folder, 'package.json'), '{}')
  await npm(folder, 'install', '--no-audit', '--no-fund', what)
  return join(folder, 'node_modules')
}

describe('publisher npm', () => {
  it('publishes a folder, which npm installs', async () => {
    const folder = await packageFolder({
      name: '@acme/shop',
      version: '1.2.3',
      description: 'A \u0000 shop',
      main: 'lib/index.js',
    })
    const published = await publish(await folderContent(folder), { access: 'public' })
    expect(published).toMatchObject({ uri: `${registry.url}/@acme/shop/-/shop-1.2.3.tgz` })
    expect(registry.documents.at(-1)).toMatchObject({
      access: 'public',
      'dist-tags': { latest: '1.2.3' },
    })
    const modules = await install('@acme/shop@1.2.3')
    expect(await readFile(join(modules, '@acme/shop/lib/index.js'), 'utf8')).toContain('42')
  })

  it('publishes what npm pack wrote, byte for byte, with the document that npm writes', async () => {
    const folder = await packageFolder({ name: 'packed', version: '2.0.0', main: 'lib/index.js' })
    await npm(folder, 'pack')
    const tarball = await readFile(join(folder, 'packed-2.0.0.tgz'))
    await publish(fileContent(tarball, 'packed-2.0.0.tgz'), { distTag: 'next' })
    const ours = registry.documents.at(-1)
    const [attachment] = Object.values(ours?._attachments ?? {})
    expect(Buffer.from(attachment?.data ?? '', 'base64').equals(tarball)).toBe(true)
    expect(ours?.['dist-tags']).toEqual({ next: '2.0.0' })

    const twin = await packageFolder({ name: 'twin', version: '2.0.0', main: 'lib/index.js' })
    await npm(twin, 'publish')
    const theirs = registry.documents.at(-1)
    const renamed = JSON.parse(JSON.stringify(theirs).replaceAll('twin', 'packed')) as typeof ours
    expect(Object.keys(ours ?? {}).toSorted()).toEqual(Object.keys(renamed ?? {}).toSorted())
    expect(Object.keys(ours?._attachments ?? {})).toEqual(Object.keys(renamed?._attachments ?? {}))
    expect(ours?.versions['2.0.0']?.dist.tarball).toBe(renamed?.versions['2.0.0']?.dist.tarball)
    expect(ours?.versions['2.0.0']?._id).toBe(renamed?.versions['2.0.0']?._id)
  })

  it('publishes the one tarball in a folder', async () => {
    const folder = await packageFolder({ name: 'lone', version: '1.0.0', main: 'lib/index.js' })
    const output = join(folder, 'output')
    await mkdir(output)
    await npm(folder, 'pack', '--pack-destination', output)
    await publish(await folderContent(output))
    expect(await readdir(await install('lone'))).toContain('lone')
  })

  it('changes nothing when it publishes again, and never replaces a version', async () => {
    const manifest = { name: 'again', version: '1.0.0' }
    const first = await folderContent(await packageFolder(manifest))
    const published = await publish(first)
    const before = registry.documents.length
    expect(await publish(first)).toEqual(published)
    expect(registry.documents).toHaveLength(before)
    const other = await folderContent(await packageFolder({ ...manifest, description: 'other' }))
    await expect(publish(other)).rejects.toMatchObject({
      code: 'resource_conflict',
      message: 'again@1.0.0 is there already, with other content; raise the version',
    })
  })

  it.each([
    [{}, 'its package.json has no valid name'],
    [{ name: 'Shop', version: '1.0.0' }, 'has no valid name'],
    [{ name: 'shop', version: '1' }, 'has no valid version'],
    [{ name: 'shop', version: '1.0.0', private: true }, 'says "private": true'],
  ])('refuses a package.json that is %j', async (manifest, message) => {
    const content = await folderContent(await packageFolder(manifest))
    await expect(publish(content)).rejects.toThrow(message)
  })

  it('refuses what is no package', async () => {
    await expect(publish(fileContent(Buffer.from('no archive')))).rejects.toThrow(
      'It is no npm package: it is no gzipped tar archive',
    )
    const folder = dirname(await packageFolder({}))
    await expect(publish(await folderContent(join(folder, 'scratch')))).rejects.toThrow(
      'it has neither a package.json at its top nor one tarball',
    )
  })

  it('refuses an archive whose headers would fill the memory', async () => {
    const header = Buffer.alloc(512)
    header.write('x', 0)
    header.write('0000644', 100)
    header.write((32 * 2 ** 20).toString(8).padStart(11, '0'), 124)
    header.write('        x', 148)
    header.write('ustar\u000000', 257)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
    const bomb = gzipSync(Buffer.concat([header, Buffer.alloc(32 * 2 ** 20)]))
    await expect(publish(fileContent(bomb))).rejects.toThrow('its headers are too large')
  })

  it('says what a registry answers, and leaves nothing behind', async () => {
    const content = await folderContent(await packageFolder({ name: 'refused', version: '1.0.0' }))
    await expect(publish(content, {}, 'wrong')).rejects.toMatchObject({
      code: 'authorization_failed',
      message: 'The npm registry refuses refused (HTTP 401)',
    })
    registry.failures.push(500)
    await expect(publish(content)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The npm registry does not take refused@1.0.0 (HTTP 500: out of order)',
    })
    await expect(publish(content, { registry: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('cannot be reached (ECONNREFUSED)'),
    })
    expect(registry.tarballs().filter((name) => name.includes('refused'))).toEqual([])
    expect(await readdir(join(root, 'scratch'))).toEqual([])
  })
})
