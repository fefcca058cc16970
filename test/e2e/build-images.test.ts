import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDockerImageEngine } from '../../packages/server/src/adapters/image-engine/docker/create-docker-image-engine.ts'
import { createDistributionRegistry } from '../../packages/server/src/adapters/registry/distribution/create-distribution-registry.ts'
import type { BuildAttempt, BuildControl } from '../../packages/server/src/builds/index.ts'
import type { ImageEngine } from '../../packages/server/src/ports/image-engine.ts'
import { buildImage } from '../../packages/server/src/worker/build/build-image.ts'
import { removeUnneededImages } from '../../packages/server/src/worker/build/keep-images-tidy.ts'
import { pushImage } from '../../packages/server/src/worker/build/push-image.ts'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { busybox, contextOf, type Dockerd, fromBusybox, startDockerd } from '../support/dockerd.ts'

let dockerd: Dockerd
let registry: DockerRegistry
let images: ImageEngine
let shell: Buffer
beforeAll(async () => {
  shell = await busybox()
  registry = await startDockerRegistry()
  dockerd = await startDockerd()
  images = createDockerImageEngine({ host: { kind: 'unix', socketPath: dockerd.socketPath } })
})
afterAll(async () => {
  await images?.close()
  await dockerd?.close()
  await registry?.close()
})

const running = () => new AbortController().signal
const jobId = '0190a1b2-0000-7000-8000-000000000007'
const commitSha = '0123456789abcdef0123456789abcdef01234567'

async function tree(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-tree-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  for (const [name, content] of Object.entries({ busybox: shell, ...files })) {
    await mkdir(join(directory, name, '..'), { recursive: true })
    await writeFile(join(directory, name), content, { mode: 0o755 })
  }
  return directory
}

function attemptOf(more: Partial<BuildAttempt['image']> = {}, rest: Partial<BuildAttempt> = {}) {
  const attempt: BuildAttempt = {
    buildId: 7,
    number: 1,
    logKey: 'builds/7/logs/build.log',
    steps: ['clone_repo', 'build_image'],
    outputType: 'docker_image',
    repository: {
      name: 'My Custom Fork',
      isOfficial: false,
      remote: { url: 'https://git.example.test/fork.git' },
      ref: null,
    },
    branding: null,
    configuration: null,
    image: { name: null, tag: null, args: {}, platforms: [], ...more },
    registry: null,
    variables: {},
    ...rest,
  }
  return attempt
}

function listen() {
  const output = {
    text: '',
    write: (chunk: Buffer) => void (output.text += chunk.toString()),
    progress: () => {},
  }
  return output
}

async function build(directory: string, attempt = attemptOf()) {
  const output = listen()
  const input = { attempt, jobId, directory, commitSha, output }
  const built = await buildImage({ images, buildNetwork: 'default' }, input, running())
  onTestFinished(() => images.remove(built.imageId).then(() => {}))
  return { ...built, text: output.text }
}

const refusal = (directory: string, attempt = attemptOf()) =>
  build(directory, attempt).then(
    () => expect.fail('it was built'),
    (error: unknown) => error,
  )

describe('images that nobody needs any more', () => {
  it('are removed from the engine that has them, and those of others stay', async () => {
    const directory = await tree({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /' })
    const { imageId } = await build(directory)
    const asked: string[] = []
    let unneeded: string[] = []
    const builds = {
      async findUnneededImages(ids: readonly string[]) {
        asked.push(...ids)
        return unneeded
      },
    } as unknown as BuildControl
    const remove = () =>
      removeUnneededImages({ builds, images, log: pino({ level: 'silent' }) }, running())
    expect(await remove()).toBe(0)
    expect(asked).toContain(jobId)
    expect(await images.find(imageId, running())).not.toBeNull()
    unneeded = [jobId]
    expect(await remove()).toBeGreaterThan(0)
    expect(await images.find(imageId, running())).toBeNull()
  })
})

describe('build_image', () => {
  it('makes an image of the tree, which says what it was made of', async () => {
    const directory = await tree({ Dockerfile: `${fromBusybox}\nCOPY . /tree`, 'a/b': 'c' })
    const { image, imageId, sizeBytes, text } = await build(directory)
    expect(image).toMatch(/^my-custom-fork-custom:\d{8}_\d{6}$/)
    expect(sizeBytes).toBeGreaterThan(shell.length)
    expect(text).toContain(`Built ${image}: ${imageId}`)
    expect(await images.find(image, running())).toMatchObject({
      id: imageId,
      labels: {
        'org.opencontainers.image.source': 'https://git.example.test/fork.git',
        'org.opencontainers.image.revision': commitSha,
        'org.opencontainers.image.created': expect.stringMatching(/^\d{4}-.*Z$/),
        'io.slipway.build': '7',
        'io.slipway.job': jobId,
      },
    })
  })

  it('does not tell where a repository of this machine is', async () => {
    const directory = await tree({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /' })
    const attempt = attemptOf()
    const { image } = await build(directory, {
      ...attempt,
      repository: { ...attempt.repository, remote: { url: 'file:///srv/git/fork.git' } },
    })
    const labels = (await images.find(image, running()))?.labels
    expect(labels).toMatchObject({ 'org.opencontainers.image.revision': commitSha })
    expect(labels).not.toHaveProperty(['org.opencontainers.image.source'])
  })

  it('gives the build what was asked for, and of the variables those that it declares', async () => {
    const directory = await tree({
      Dockerfile: `${fromBusybox}\nARG COLOUR\nARG SIZE=small\nARG SHAPE\nRUN echo "=$COLOUR $SIZE $SHAPE="`,
    })
    const { text } = await build(
      directory,
      attemptOf(
        { args: { COLOUR: 'blue', SHAPE: 'round' } },
        { variables: { COLOUR: 'red', SIZE: 'large', UNKNOWN: 'x' } },
      ),
    )
    expect(text).toMatch(/^=blue large round=$/m)
    expect(text).not.toContain('UNKNOWN')
  })

  it('sends neither .git nor what .dockerignore names, and links as links', async () => {
    const directory = await tree({
      Dockerfile: `${fromBusybox}\nCOPY . /tree\nRUN cd /tree && /bin/busybox find . | /bin/busybox sort && /bin/busybox readlink out`,
      '.git/config': 'secret',
      '.dockerignore': 'secret*\n**/*.log\n!keep.log\nDockerfile',
      'secret.env': 'x',
      'deep/a.log': 'x',
      'keep.log': 'x',
      'deep/kept': 'x',
    })
    await symlink('/etc/shadow', join(directory, 'out'))
    const { text } = await build(directory)
    expect(text).toMatch(/^\.\/deep\/kept$/m)
    expect(text).toMatch(/^\.\/keep\.log$/m)
    expect(text).toMatch(/^\/etc\/shadow$/m)
    for (const left of ['.git', 'secret.env', 'a.log']) expect(text).not.toContain(`/${left}\n`)
  })

  it.each([
    ['no Dockerfile', {}, attemptOf(), 'There is no Dockerfile'],
    [
      'two platforms',
      { Dockerfile: 'FROM scratch' },
      attemptOf({ platforms: ['linux/amd64', 'linux/arm64'] }),
      'make a build for each',
    ],
    [
      'what is no name',
      { Dockerfile: 'FROM scratch' },
      attemptOf({ name: 'Not A Name' }),
      'image_name',
    ],
    ['a line that fails', { Dockerfile: `${fromBusybox}\nRUN exit 9` }, attemptOf(), 'exit 9'],
  ])('refuses %s', async (_, files, attempt, message) => {
    expect(await refusal(await tree(files), attempt)).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(message),
    })
  })

  it('takes the name of no image that is somebody else’s, and that of an older build', async () => {
    const output = listen()
    const theirs = await images.build(
      {
        context: contextOf({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /' }),
        dockerfile: 'Dockerfile',
        image: 'database:16',
        labels: {},
        args: {},
        platform: null,
        network: 'none',
      },
      output,
      running(),
    )
    onTestFinished(() => images.remove(theirs.id).then(() => {}))
    const directory = await tree({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /' })
    const asked = attemptOf({ name: 'database', tag: '16' })
    expect(await refusal(directory, asked)).toMatchObject({
      code: 'resource_conflict',
      message: expect.stringContaining('database:16'),
    })
    const ours = attemptOf({ name: 'ours', tag: '1' })
    const first = await build(directory, ours)
    const second = await build(directory, { ...ours, buildId: 8 })
    expect((await images.find('ours:1', running()))?.id).toBe(second.imageId)
    expect(await images.list(`io.slipway.job=${jobId}`)).toHaveLength(2)
    // By its id, the older one is removed, and the name stays with the younger.
    expect(await images.remove(first.imageId)).toBe(true)
    expect((await images.find('ours:1', running()))?.id).toBe(second.imageId)
  })

  it('lets no frontend of others choose the network where builds have none', async () => {
    const directory = await tree({ Dockerfile: `# syntax=evil.test/frontend\nFROM scratch\n` })
    const input = { attempt: attemptOf(), jobId, directory, commitSha, output: listen() }
    await expect(
      buildImage({ images, buildNetwork: 'none' }, input, running()),
    ).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('cannot be built by evil.test/frontend'),
    })
  })

  it('says that there is no engine, and what to do', async () => {
    const away = createDockerImageEngine({
      host: { kind: 'unix', socketPath: '/run/slipway-no-such.sock' },
    })
    onTestFinished(() => away.close())
    const directory = await tree({ Dockerfile: 'FROM scratch' })
    const input = { attempt: attemptOf(), jobId, directory, commitSha, output: listen() }
    await expect(
      buildImage({ images: away, buildNetwork: 'default' }, input, running()),
    ).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('DOCKER_HOST'),
    })
  })
})

describe('push_registry', () => {
  const login = () => ({ ...registryUser, serverAddress: registry.host })
  const openPushed = (address: string) =>
    createDistributionRegistry({ registry: address, openCredential: async () => registryUser })
  const to = (namespace: string | null) =>
    attemptOf({}, { registry: { address: registry.host, namespace } })

  it('pushes to the registry, and has it confirm the digest', async () => {
    const directory = await tree({ Dockerfile: `${fromBusybox}\nRUN echo pushed > /pushed` })
    const { image, imageId, sizeBytes } = await build(directory)
    for (const namespace of ['team/images', null]) {
      const output = listen()
      const made = { image, imageId, sizeBytes }
      const input = { attempt: to(namespace), image: made, output, login: login() }
      const { url, digest } = await pushImage({ images, openPushed }, input, running())
      const path = namespace === null ? image : `${namespace}/${image}`
      expect(url).toBe(`${registry.host}/${path}`)
      const [name = '', tag = ''] = path.split(':')
      const stored = await openPushed(registry.host).getManifest(name, tag, running())
      expect(stored?.digest).toBe(digest)
      expect(output.text).toContain(`Pushed ${url}@${digest}`)
      expect(output.text).not.toContain(registryUser.password)
    }
    expect((await images.find(imageId, running()))?.names).toEqual([image])
    await images.remove(imageId)
    expect(await images.find(imageId, running())).toBeNull()
  })

  it('fails when the registry has something else, or nothing, afterwards', async () => {
    const image = await build(await tree({ Dockerfile: `${fromBusybox}\nRUN true` }))
    const input = { attempt: to('team'), image, output: listen(), login: login() }
    const digest = `sha256:${'0'.repeat(64)}`
    const other = { digest, mediaType: '', content: Buffer.alloc(0) }
    for (const answer of [other, null]) {
      const lying = () => ({ getManifest: async () => answer })
      await expect(
        pushImage({ images, openPushed: lying }, input, running()),
      ).rejects.toMatchObject({ code: 'unavailable' })
    }
  })

  it('fails with a wrong login', async () => {
    const image = await build(await tree({ Dockerfile: `${fromBusybox}\nRUN true` }))
    const wrong = { ...login(), password: 'wrong' }
    const input = { attempt: to('team'), image, output: listen(), login: wrong }
    await expect(pushImage({ images, openPushed }, input, running())).rejects.toMatchObject({
      code: 'authorization_failed',
    })
  })
})
