import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTurns } from '../../packages/server/src/git/index.ts'
import { createRelease, type ReleasesDeps } from '../../packages/server/src/releases/index.ts'
import {
  image,
  projectName as project,
  type ReleaseCalls,
  releaseCalls,
  repositoryName as repository,
  withImage,
} from '../support/release-calls.ts'
import { createReleasesApp, type ReleasesApp } from '../support/releases-app.ts'

// What a release is in the registry, and that what is stored and what is pushed agree.

interface Manifest {
  artifactType: string
  config: { mediaType: string }
  layers: { mediaType: string; digest: string; annotations: Record<string, string> }[]
  annotations: Record<string, string>
}

const signal = AbortSignal.timeout(60_000)
const admin = { id: 'admin', name: 'admin', roles: ['admin'], repositories: null } as const
const ociRepository = 'mycompany/myrepo/api'

let app: ReleasesApp
let calls: ReleaseCalls

beforeAll(async () => {
  app = await createReleasesApp()
  calls = await releaseCalls(app)
})
afterAll(() => app.close())

async function manifestOf(reference: string): Promise<{ digest: string; manifest: Manifest }> {
  const stored = await app.registry.getManifest(ociRepository, reference, signal)
  if (stored === null) throw new Error(`nothing at ${reference}`)
  return { digest: stored.digest, manifest: JSON.parse(stored.content.toString()) as Manifest }
}

async function layer(manifest: Manifest, type: string): Promise<Buffer> {
  const digest = manifest.layers.find(({ mediaType }) => mediaType === type)?.digest ?? ''
  const blob = await app.registry.getBlob(ociRepository, digest, signal)
  if (blob === null) throw new Error(`no layer ${type}`)
  return buffer(blob.body)
}

const release = (deps: ReleasesDeps, commit: string) =>
  createRelease(
    deps,
    {
      principal: admin,
      request: { repository, project, commit_sha: commit, artifacts: [] },
    },
    signal,
  )

describe('the OCI artifact of a release', () => {
  it('has a layer of metadata and one of manifests, tagged with the commit', async () => {
    const sha = await calls.commit(withImage)
    const { id, release_number } = await calls.created({ commit_sha: sha, artifacts: [image] })
    const { digest, manifest } = await manifestOf(sha)
    expect(digest).toBe((await calls.get(id)).oci_digest)
    expect(manifest.artifactType).toBe('application/vnd.forge.release.v1')
    expect(manifest.annotations['org.opencontainers.image.revision']).toBe(sha)
    const metadata = await layer(manifest, 'application/vnd.forge.release.metadata.v1+json')
    expect(JSON.parse(metadata.toString())).toMatchObject({
      canonical_id: `${repository}/${project}/${sha}`,
      repository,
      project,
      commit_sha: sha,
      trigger: { trigger_type: 'manual', triggered_by: 'admin' },
      artifacts: [image],
    })
    expect(metadata.toString()).not.toContain('number')
    expect(release_number).toBeGreaterThan(0)
    const resources = await layer(manifest, 'application/vnd.forge.release.resources.v1.tar+gzip')
    const tar = gunzipSync(resources).toString()
    expect(tar).toContain('001-pod-api.yaml')
    expect(tar).toContain(`image: ${image.primary_published_uri}`)
    expect(tar).not.toContain('$artifact')
  })

  it('can be had by its digest as by its tag', async () => {
    const sha = await calls.commit()
    const { oci_digest: digest } = await calls.created({ commit_sha: sha })
    expect((await manifestOf(digest)).manifest).toEqual((await manifestOf(sha)).manifest)
  })
})

describe('two servers that release one commit at once', () => {
  it('make one release, and the tag names what it says', async () => {
    // Servers share no memory: each has turns of its own.
    const servers = Array.from({ length: 4 }, () => ({ ...app.deps, turns: createTurns() }))
    for (const round of [1, 2, 3]) {
      const sha = `5e9e9${round}`.padEnd(40, '0')
      await app.addRun({ repository, commit: sha, project })
      const ends = await Promise.allSettled(servers.map((server) => release(server, sha)))
      const made = ends.filter((end) => end.status === 'fulfilled')
      expect(made).toHaveLength(1)
      for (const end of ends.filter((one) => one.status === 'rejected')) {
        expect(end.reason).toMatchObject({ code: 'resource_conflict' })
      }
      expect((await manifestOf(sha)).digest).toBe(made[0]?.value.oci_digest)
    }
    const numbers = await app.database.pool.query<{ release_number: number }>(
      'select release_number from releases order by release_number',
    )
    expect(numbers.rows.map((row) => row.release_number)).toEqual(
      numbers.rows.map((_, index) => index + 1),
    )
  })
})

describe('signing', () => {
  it('signs the manifest, and its failure fails the release', async () => {
    const signed: string[] = []
    const sha = await calls.commit()
    const sign: ReleasesDeps['sign'] = async ({ repository: signedRepository, digest }) => {
      signed.push(`${signedRepository}@${digest}`)
    }
    const failing = { ...app.deps, sign: () => Promise.reject(new Error('no key')) }
    await expect(release(failing, sha)).rejects.toThrow('no key')
    const lookup = await app.request('GET', `/v1/releases/${repository}/${project}/${sha}`)
    expect(lookup.statusCode).toBe(404)
    const { oci_digest: digest } = await release({ ...app.deps, sign }, sha)
    expect(signed).toEqual([`${ociRepository}@${digest}`])
  })
})

describe('a registry that is slow', () => {
  it('is waited for until the deadline, and nothing is left to be seen', async () => {
    const sha = await calls.commit()
    let resolve = () => undefined as void
    const begun = new Promise<void>((done) => (resolve = done))
    const stop = new AbortController()
    const registry = {
      ...app.registry,
      base: app.registry.base,
      putBlob: (_repository: string, _blob: unknown, deadline: AbortSignal) => {
        resolve()
        return new Promise<void>((_, reject) =>
          deadline.addEventListener('abort', () => reject(new Error('aborted'))),
        )
      },
    }
    const request = { repository, project, commit_sha: sha, artifacts: [] }
    const making = createRelease(
      { ...app.deps, registry },
      { principal: admin, request },
      stop.signal,
    )
    await begun
    stop.abort()
    await expect(making).rejects.toMatchObject({ code: 'unavailable' })
    const lookup = await app.request('GET', `/v1/releases/${repository}/${project}/${sha}`)
    expect(lookup.statusCode).toBe(404)
  })
})
