import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Release } from '@slipway/contract/releases'
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, logOf, startRun, stepNamed, tasksOf } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Artifacts of runs: collected, produced, published, tracked and signed by a real server.

const name = 'acme/shop'
const imageScript = fileURLToPath(
  new URL('../../examples/monorepo/api/scripts/build-image.js', import.meta.url),
)
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

let root: string
let registry: DockerRegistry
let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-artifacts-'))
  await mkdir(join(root, 'downloads'))
  await writeFile(
    join(root, 'slipway.yaml'),
    JSON.stringify({
      publishers: {
        downloads: { type: 'filesystem', path: join(root, 'downloads') },
        foreign: {
          type: 'filesystem',
          path: join(root, 'downloads'),
          repositories: ['other/*'],
        },
      },
    }),
  )
  await writeFile(
    join(root, 'cosign.key'),
    privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' }),
  )
  registry = await startDockerRegistry()
  server = await startTestServer({
    SLIPWAY_CONFIG: join(root, 'slipway.yaml'),
    SLIPWAY_ARTIFACT_LIMIT: '4MiB',
    COSIGN_KEY: join(root, 'cosign.key'),
    COSIGN_PASSWORD: 'open',
  })
  repository = await createRepository(server.repositories, name)
  await server.json('POST', '/api/credentials', {
    body: {
      name: 'registry-push',
      credential_type: 'registry_generic',
      credential_data: {
        username: registryUser.username,
        password_or_token: registryUser.password,
        registry_url: `http://${registry.host}`,
      },
    },
  })
})
afterAll(async () => {
  await server.close()
  await registry.close()
  await rm(root, { recursive: true, force: true })
})

interface Sample {
  steps?: readonly object[]
  artifacts: Record<string, object>
  publishers?: Record<string, object>
  files?: Record<string, string>
}

function commit({ steps = [{ name: 'build', run: 'true' }], ...sample }: Sample): Promise<string> {
  return repository.commit({
    ...sample.files,
    '.forge/repo.json': JSON.stringify({
      forgeVersion: 1,
      phases: { build: {} },
      publishers: {
        images: { type: 'oci', registry: registry.host, credentials: 'registry-push' },
        ...sample.publishers,
      },
    }),
    'app/.forge/project.json': JSON.stringify({
      name: 'app',
      phases: { build: { steps } },
      artifacts: sample.artifacts,
      release: { on: [{ branch: 'main' }] },
    }),
  })
}

async function run(sha: string): Promise<Run> {
  return finishedRun(server, await startRun(server, name, sha))
}

const logOfStep = (ended: Run, step: string) => logOf(server, stepNamed(ended, step))

const authorization = `Basic ${Buffer.from(`${registryUser.username}:${registryUser.password}`).toString('base64')}`

async function fromRegistry(path: string): Promise<Response> {
  return fetch(`http://${registry.host}/v2/${path}`, {
    headers: {
      authorization,
      accept: 'application/vnd.oci.image.manifest.v1+json',
    },
  })
}

interface Manifest {
  layers: { digest: string; mediaType: string; annotations: Record<string, string> }[]
}

describe('artifacts of a run', () => {
  it('are an image, a file and a folder, published where their publishers say', async () => {
    const sha = await commit({
      files: {
        'app/src/main.js': 'console.log(1)\n',
        'app/package.json': '{}',
        'app/scripts/build-image.js': await readFile(imageScript, 'utf8'),
      },
      steps: [
        { name: 'build-image', run: 'node scripts/build-image.js dist/image' },
        { name: 'files', run: 'mkdir -p out/site && echo page >out/site/index.html' },
        { name: 'build-tool', run: 'printf tool >tool && chmod +x tool && ln -s /etc/passwd link' },
      ],
      artifacts: {
        image: { type: 'container', producer: { path: 'dist/image' }, publishers: ['images'] },
        site: { type: 'archive', producer: { path: 'out/site' }, publishers: ['downloads'] },
        tool: { type: 'binary', producer: { path: 'tool' }, publishers: ['downloads', 'images'] },
      },
    })
    const ended = await run(sha)
    expect(ended, server.output.slice(-20).join('\n')).toMatchObject({ status: 'success' })
    const { artifacts } = await server.json<Release>('GET', `/v1/releases/${name}/app/${sha}`)
    const [image, site, tool] = ['image', 'site', 'tool'].map((one) =>
      artifacts.find((artifact) => artifact.name === one),
    )
    expect(image?.primary_published_uri).toMatch(
      new RegExp(`^${registry.host}/acme/shop/app/image@sha256:[0-9a-f]{64}$`),
    )
    expect(image?.tracking_oci_uri).toMatch(new RegExp(`/acme/shop/app/image:sha-${sha}$`))
    const digest = image?.primary_published_uri.split('@')[1] ?? ''
    const pulled = await fromRegistry(`acme/shop/app/image/manifests/${sha}`)
    expect(pulled.headers.get('docker-content-digest')).toBe(digest)
    expect(await logOfStep(ended, 'image')).toContain(digest)

    const page = new URL(site?.primary_published_uri ?? '')
    expect(page.pathname).toMatch(
      /\/acme\/shop\/app\/[0-9a-f]{40}\/site\/[0-9a-f]{16}\/site\.tar\.gz$/,
    )
    const archive = await readFile(page)
    const hash = createHash('sha256').update(archive).digest('hex')
    expect(await logOfStep(ended, 'site')).toContain(`sha256:${hash}`)
    expect(await readFile(new URL(tool?.primary_published_uri ?? ''), 'utf8')).toBe('tool')

    const file = (await (
      await fromRegistry(`acme/shop/app/tool/manifests/${sha}`)
    ).json()) as Manifest
    expect(file.layers).toMatchObject([
      { annotations: { 'org.opencontainers.image.title': 'tool' } },
    ])
  })

  it('are signed as cosign does, in each registry', async () => {
    const sha = await commit({
      steps: [{ name: 'tool', run: 'printf signed >tool' }],
      artifacts: {
        tool: { type: 'binary', producer: { path: 'tool' }, publishers: ['images'] },
      },
    })
    expect((await run(sha)).status).toBe('success')
    const digest = (await fromRegistry(`acme/shop/app/tool/manifests/${sha}`)).headers.get(
      'docker-content-digest',
    )
    const tag = `${digest?.replace(':', '-')}.sig`
    const signature = await fromRegistry(`acme/shop/app/tool/manifests/${tag}`)
    const { layers } = (await signature.json()) as Manifest
    const [layer] = layers
    expect(layer?.mediaType).toBe('application/vnd.dev.cosign.simplesigning.v1+json')
    const blob = await fromRegistry(`acme/shop/app/tool/blobs/${layer?.digest}`)
    const payload = Buffer.from(await blob.arrayBuffer())
    const made = Buffer.from(
      layer?.annotations['dev.cosignproject.cosign/signature'] ?? '',
      'base64',
    )
    expect(verify('sha256', payload, publicKey, made)).toBe(true)
    expect(JSON.parse(payload.toString('utf8'))).toEqual({
      critical: {
        identity: { 'docker-reference': `${registry.host}/acme/shop/app/tool` },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    })
  })

  it('may be made by a command of their own, whose output is in their log', async () => {
    const sha = await commit({
      artifacts: {
        notes: {
          type: 'archive',
          producer: { run: 'echo writing; mkdir notes; echo hi >notes/a', path: 'notes' },
          publishers: ['downloads'],
        },
      },
    })
    const ended = await run(sha)
    expect(ended.status).toBe('success')
    expect(await logOfStep(ended, 'notes')).toMatch(/^writing$/m)
  })
})

describe('an artifact that cannot be had', () => {
  const outside = { name: 'out', run: 'ln -s /etc out' }
  it.each<[string, Sample, RegExp]>([
    [
      'was left by no step',
      { artifacts: { site: { type: 'archive', producer: { path: 'dist' } } } },
      /No step of project app left dist/,
    ],
    [
      'is no image',
      {
        steps: [{ name: 'image', run: 'mkdir image && echo x >image/x' }],
        artifacts: { site: { type: 'container', producer: { path: 'image' } } },
      },
      /This is no image/,
    ],
    [
      'leads out of the workspace',
      { steps: [outside], artifacts: { site: { type: 'archive', producer: { path: 'out' } } } },
      /site \(out\): The path leads out of the workspace/,
    ],
    [
      'is too large',
      {
        steps: [{ name: 'big', run: 'head -c 5000000 /dev/zero >big' }],
        artifacts: { site: { type: 'binary', producer: { path: 'big' } } },
      },
      /more than the 4194304 bytes/,
    ],
    [
      'has a producer that fails',
      { artifacts: { site: { type: 'binary', producer: { run: 'exit 3', path: 'x' } } } },
      /The producer exited with 3/,
    ],
    [
      'has a producer that leaves nothing',
      { artifacts: { site: { type: 'binary', producer: { run: 'true', path: 'x' } } } },
      /The producer of site left no x/,
    ],
    [
      'may not use a publisher',
      {
        steps: [{ name: 'build', run: 'echo >tool' }],
        artifacts: {
          site: { type: 'binary', producer: { path: 'tool' }, publishers: ['foreign'] },
        },
      },
      /The publisher foreign is not for acme\/shop/,
    ],
  ])('because it %s fails its task and says why', async (_, sample, reason) => {
    const ended = await run(await commit(sample))
    expect(ended.status).toBe('failed')
    expect(ended.message ?? '').toMatch(reason)
    const failed = tasksOf(ended).flatMap((task) => task.steps)
    expect(failed.every(({ status }) => status !== 'running')).toBe(true)
  })

  it('because a registry refuses it fails its task and says why', async () => {
    await server.json('POST', '/api/credentials', {
      body: {
        name: 'wrong',
        credential_type: 'registry_generic',
        credential_data: {
          username: registryUser.username,
          password_or_token: 'wrong',
          registry_url: `http://${registry.host}`,
        },
      },
    })
    const sha = await commit({
      steps: [{ name: 'build', run: 'echo >tool' }],
      publishers: { images: { type: 'oci', registry: registry.host, credentials: 'wrong' } },
      artifacts: { tool: { type: 'binary', producer: { path: 'tool' }, publishers: ['images'] } },
    })
    const ended = await run(sha)
    expect(ended.status).toBe('failed')
    expect(await logOfStep(ended, 'tool')).toMatch(/Publishing to images \(oci\): /)
  })

  it.each<[string, object, RegExp]>([
    ['oci', {}, /anywhere may be sent nowhere that a commit of acme\/shop says/],
    ['npm', {}, /anywhere may be sent nowhere that a commit of acme\/shop says/],
    ['s3', { bucket: 'things', credentials: undefined }, /It names no credentials/],
  ])(
    'because a commit may not send what is kept here where it likes (%s)',
    async (type, more, why) => {
      const asked: string[] = []
      const elsewhere = createServer(({ headers }, response) => {
        asked.push(headers.authorization ?? '')
        response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end()
      }).listen(0, '127.0.0.1')
      await once(elsewhere, 'listening')
      onTestFinished(() => elsewhere.close().closeAllConnections())
      const host = `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
      await server.request('POST', '/api/credentials', {
        body: {
          name: 'anywhere',
          credential_type: 'registry_generic',
          credential_data: { username: 'bob', password_or_token: 'nobody-may-see-this' },
        },
      })
      const place = {
        oci: { registry: host },
        npm: { registry: `http://${host}` },
        s3: { endpoint: `http://${host}` },
      }[type]
      const sha = await commit({
        steps: [{ name: 'build', run: 'mkdir out && echo {} >out/package.json' }],
        publishers: { elsewhere: { type, credentials: 'anywhere', ...place, ...more } },
        artifacts: {
          site: { type: 'archive', producer: { path: 'out' }, publishers: ['elsewhere'] },
        },
      })
      const ended = await run(sha)
      expect(ended.status).toBe('failed')
      expect(await logOfStep(ended, 'site')).toMatch(why)
      expect(asked).toEqual([])
    },
  )
})
