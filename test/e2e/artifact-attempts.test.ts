import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import type { ArtifactConfig, CommandConfig } from '@slipway/forge'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../packages/server/src/errors.ts'
import { JobAborted } from '../../packages/server/src/ports/job-bus.ts'
import type { Publishers } from '../../packages/server/src/ports/publisher.ts'
import {
  type ArtifactWorker,
  ociRepository,
  startArtifactWorker,
} from '../support/artifact-worker.ts'

// One artifact's attempts, by a worker with a real executor, object store and registry.

let root: string
let worker: ArtifactWorker
const workers: ArtifactWorker[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-attempts-'))
  await mkdir(join(root, 'dist'))
  await writeFile(join(root, 'dist', 'page.html'), 'A page\n')
})
afterEach(async () => {
  for (const started of workers.splice(0)) await started.close()
  await rm(root, { recursive: true, force: true })
})

async function start(artifact: Partial<ArtifactConfig> = {}, publishers: Publishers = {}) {
  worker = await startArtifactWorker(artifact, publishers)
  workers.push(worker)
  return worker
}

function key() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return { privateKey, publicKey, id: 'sha256:of-the-test' }
}

/** The first attempt stores everything, and never hears that the control plane knows. */
async function loseAnswer(): Promise<void> {
  const { completeArtifact } = worker.deps.control
  worker.deps.control.completeArtifact = async (input) => {
    await completeArtifact(input)
    throw new Error('the connection was lost')
  }
  await expect(worker.attempt(1)).rejects.toThrow('the connection was lost')
  worker.deps.control.completeArtifact = completeArtifact
}

const ended = () => worker.reports.at(-1)

describe('an artifact', () => {
  it('is tracked with its places and its provenance, next to what it is about', async () => {
    await start()
    await worker.collect(root, 'dist')
    expect(await worker.attempt()).toEqual({ state: 'settled' })
    expect(ended()).toMatchObject({ task: { status: 'success' } })
    const [made] = worker.completed
    if (made === undefined) throw new Error('nothing was completed')
    const [, commit] = made.trackingUri.split(':sha-')
    expect(made).toEqual({
      name: 'tool',
      type: 'archive',
      trackingUri: `slipway.example.test/${ociRepository}:sha-${commit}`,
      trackingDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      primaryUri: made.published[0]?.uri,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      sizeBytes: expect.any(Number),
      published: [
        {
          publisher: 'home',
          type: 'oci',
          uri: `slipway.example.test/${ociRepository}@${made.published[0]?.digest}`,
          digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        },
      ],
    })

    const content = await worker.manifest(commit ?? '')
    expect(content.digest).toBe(made.published[0]?.digest)
    expect(content.layers).toMatchObject([
      {
        mediaType: 'application/gzip',
        digest: made.digest,
        annotations: { 'org.opencontainers.image.title': 'tool.tar.gz' },
      },
    ])

    const tracking = await worker.manifest(`sha-${commit}`)
    expect(tracking.digest).toBe(made.trackingDigest)
    expect(tracking.artifactType).toBe('application/vnd.forge.artifact.v1+json')
    expect(tracking.subject?.digest).toBe(content.digest)
    const [metadata, provenance] = tracking.layers
    expect(JSON.parse(await worker.blob(metadata?.digest ?? ''))).toMatchObject({
      name: 'tool',
      type: 'archive',
      repository: 'acme/shop',
      project: 'api',
      commit_sha: commit,
      branch: 'main',
      digest: made.digest,
      size_bytes: made.sizeBytes,
      published: made.published,
    })
    expect(provenance?.mediaType).toBe('application/vnd.in-toto+json')
    expect(JSON.parse(await worker.blob(provenance?.digest ?? ''))).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://slsa.dev/provenance/v1',
      subject: [
        { name: 'tool', digest: { sha256: made.digest.slice('sha256:'.length) } },
        {
          name: made.primaryUri,
          digest: { sha256: content.digest.slice('sha256:'.length) },
        },
      ],
      predicate: {
        buildDefinition: {
          externalParameters: { repository: 'acme/shop', ref: 'refs/heads/main', project: 'api' },
          resolvedDependencies: [{ digest: { gitCommit: commit } }],
        },
        runDetails: { builder: { id: 'https://slipway.example.test' } },
      },
    })
    const log = await worker.log()
    for (const digest of [made.digest, content.digest, tracking.digest]) {
      expect(log).toContain(digest)
    }
  })

  it('comes to the same digests, tags and signatures when it is made again', async () => {
    await start()
    worker.places.signingKey = key()
    await worker.collect(root, 'dist')
    await loseAnswer()
    await worker.attempt(2)
    const [first, second] = worker.completed
    expect(second).toEqual(first)
    for (const digest of [first?.published[0]?.digest, first?.trackingDigest]) {
      const signatures = await worker.manifest(`${digest?.replace(':', '-')}.sig`)
      expect(signatures.layers).toHaveLength(1)
    }
    expect(await worker.log()).toMatch(/--- attempt 2 ---[^]*Signed already: /)
  })

  it('is signed by another key beside the signature that is there', async () => {
    await start()
    await worker.collect(root, 'dist')
    worker.places.signingKey = key()
    await loseAnswer()
    worker.places.signingKey = key()
    await worker.attempt(2)
    const digest = worker.completed[0]?.trackingDigest
    const { layers } = await worker.manifest(`${digest?.replace(':', '-')}.sig`)
    expect(layers).toHaveLength(2)
  })

  it('fails when it cannot be signed', async () => {
    await start()
    await worker.collect(root, 'dist')
    worker.places.signingKey = { ...key(), privateKey: key().publicKey }
    await expect(worker.attempt()).rejects.toThrow(Error)
    expect(worker.completed).toEqual([])
  })

  it('has an SBOM where syft is', async () => {
    // A program that takes the arguments that syft documents, and writes what it would.
    const syft = join(root, 'syft')
    const sbom = {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: 'urn:uuid:differs',
      metadata: { timestamp: 'differs', component: { name: 'x' } },
      components: [{ name: 'left-pad' }],
    }
    await writeFile(
      syft,
      `#!/bin/sh
[ "$1 $2 $3" = "scan --quiet --output" ] || exit 9
[ -s "\${5#file:}" ] || exit 8
echo '${JSON.stringify(sbom)}' >"\${4#cyclonedx-json=}"
`,
    )
    await chmod(syft, 0o755)
    await start()
    worker.deps.findSyft = async () => syft
    await worker.collect(root, 'dist')
    await worker.attempt()
    const tracking = await worker.manifest(worker.completed[0]?.trackingDigest ?? '')
    const layer = tracking.layers.find(
      ({ mediaType }) => mediaType === 'application/vnd.cyclonedx+json',
    )
    const stored = JSON.parse(await worker.blob(layer?.digest ?? '')) as typeof sbom
    expect(stored.components).toEqual(sbom.components)
    expect(stored).not.toHaveProperty('serialNumber')
  })

  it('is made without an SBOM where syft fails or is not, and says so', async () => {
    await start()
    worker.deps.findSyft = async () => '/bin/false'
    await worker.collect(root, 'dist')
    await worker.attempt()
    expect(await worker.log()).toMatch(/No SBOM: syft ended with 1/)
    expect(ended()).toMatchObject({ task: { status: 'success' } })
  })

  it('keeps links as links, and no bytes of what they lead to', async () => {
    await start()
    await symlink('/etc/passwd', join(root, 'dist', 'link'))
    await worker.collect(root, 'dist')
    await worker.attempt()
    const digest = worker.completed[0]?.digest ?? ''
    const found = await worker.home.getBlob(ociRepository, digest, new AbortController().signal)
    const archive = gunzipSync(await buffer(found?.body ?? Readable.from([])))
    expect(archive.includes('/etc/passwd')).toBe(true)
    expect(archive.includes('root:')).toBe(false)
  })
})

describe('an attempt', () => {
  it('that meets a place that is away is tried again, and the artifact is whole then', async () => {
    let isAway = true
    await start(
      { publishers: ['shelf'] },
      {
        shelf: {
          async publish({ content }) {
            if (isAway) throw new AppError('unavailable', 'The shelf is away')
            return { uri: 'shelf:tool', digest: content.kind === 'file' ? content.digest : '' }
          },
        },
      },
    )
    await worker.collect(root, 'dist')
    await expect(worker.attempt(1)).rejects.toThrow(
      'Publishing to shelf (shelf): The shelf is away',
    )
    expect(worker.reports.every(({ task }) => task?.status === 'running')).toBe(true)
    isAway = false
    await worker.attempt(2)
    expect(ended()).toMatchObject({ attempt: 2, task: { status: 'success' } })
    expect(worker.completed[0]).toMatchObject({
      primaryUri: 'shelf:tool',
      published: [{ publisher: 'home' }, { publisher: 'shelf' }],
    })
    expect(await worker.log()).toMatch(/The shelf is away\n--- attempt 2 ---/)
  })

  it('that a place refuses fails the task with the reason', async () => {
    const refuse = () => Promise.reject(new AppError('resource_conflict', 'It is full'))
    await start({ publishers: ['shelf'] }, { shelf: { publish: refuse } })
    await worker.collect(root, 'dist')
    expect(await worker.attempt()).toEqual({ state: 'settled' })
    expect(ended()).toMatchObject({
      task: { status: 'failed', error: 'Publishing to shelf (shelf): It is full' },
      steps: [{ exitCode: 1 }],
    })
    expect(worker.completed).toEqual([])
  })

  it('that is cancelled ends at once and reports nothing more', async () => {
    const stop = new AbortController()
    await start(
      { publishers: ['shelf'] },
      {
        shelf: {
          async publish(_publication, signal) {
            stop.abort(new JobAborted('cancelled'))
            signal.throwIfAborted()
            throw new Error('not aborted')
          },
        },
      },
    )
    await worker.collect(root, 'dist')
    await expect(worker.attempt(1, stop.signal)).rejects.toThrow('cancelled')
    expect(worker.completed).toEqual([])
    expect(worker.reports.every(({ task }) => task?.status === 'running')).toBe(true)
  })

  it('that is no longer ours is left to whoever has it', async () => {
    await start()
    const conflict = new AppError('resource_conflict', 'Another attempt has begun')
    worker.deps.control.beginAttempt = () => Promise.reject(conflict)
    expect(await worker.attempt()).toEqual({ state: 'settled' })
    expect(worker.reports).toEqual([])
  })

  it('makes what its producer leaves behind', async () => {
    const command: CommandConfig = {
      action: 'run',
      with: { run: 'cat README.md >made' },
      timeoutMs: 10_000,
      env: {},
      secrets: [],
      image: null,
      network: 'none',
    }
    await start({ type: 'binary', producer: { command, path: 'made' } })
    await worker.attempt()
    expect(await worker.blob(worker.completed[0]?.digest ?? '')).toBe('An API\n')
  })
})
