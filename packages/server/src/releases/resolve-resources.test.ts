import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import { type ReleasedArtifact, resolveResources } from './resolve-resources.ts'

const digest = `sha256:${'a'.repeat(64)}`
const artifact = (name: string, more: Partial<ReleasedArtifact> = {}): ReleasedArtifact => ({
  name,
  type: 'container',
  tracking_oci_uri: `registry.test/acme/${name}:sha-1`,
  primary_published_uri: `registry.test/acme/${name}@${digest}`,
  digest,
  ...more,
})
const manifest = (spec: unknown) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'app' },
  spec,
})
const reference = (name: string, field: string) => ({ $artifact: { name, field } })

describe('resolveResources', () => {
  it('puts URI and digest in the place of references, however deep', () => {
    const resources = [
      manifest({
        containers: [{ image: reference('api', 'image') }],
        uri: reference('api', 'uri'),
        digest: reference('api', 'digest'),
        other: [1, null, 'text', true],
      }),
    ]
    expect(resolveResources(resources, [artifact('api')])).toEqual([
      manifest({
        containers: [{ image: `registry.test/acme/api@${digest}` }],
        uri: `registry.test/acme/api@${digest}`,
        digest,
        other: [1, null, 'text', true],
      }),
    ])
  })

  it('adds the digest that the run knows to the URI of a container', () => {
    const tagged = artifact('api', { primary_published_uri: 'registry.test/acme/api:1' })
    const [resolved] = resolveResources([manifest(reference('api', 'image'))], [tagged])
    expect(resolved?.spec).toBe(`registry.test/acme/api:1@${digest}`)
  })

  it('gives the URI of a file as it is', () => {
    const file = artifact('tool', {
      type: 'binary',
      primary_published_uri: 's3://files/tool',
      digest: null,
    })
    const [resolved] = resolveResources([manifest(reference('tool', 'uri'))], [file])
    expect(resolved?.spec).toBe('s3://files/tool')
  })

  it('leaves the manifests that it was given as they were', () => {
    const resource = manifest(reference('api', 'image'))
    resolveResources([resource], [artifact('api')])
    expect(resource.spec).toEqual(reference('api', 'image'))
  })

  it('names every reference that cannot be resolved, and where', () => {
    const resources = [
      manifest([reference('gone', 'image'), reference('api', 'tag')]),
      manifest({ a: reference('tool', 'image'), b: reference('bare', 'uri'), c: { $artifact: 1 } }),
    ]
    const artifacts = [
      artifact('api'),
      artifact('tool', { type: 'binary' }),
      artifact('bare', { primary_published_uri: 'registry.test/acme/bare:1', digest: null }),
    ]
    const refusal = (() => {
      try {
        return resolveResources(resources, artifacts)
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toBeInstanceOf(AppError)
    const { code, details } = refusal as AppError
    expect(code).toBe('invalid_request')
    const problems = details?.['problems'] as { path: string; message: string }[]
    expect(problems.map(({ path }) => path)).toEqual([
      '/deploy/resources/0/spec/0',
      '/deploy/resources/0/spec/1',
      '/deploy/resources/1/spec/a',
      '/deploy/resources/1/spec/b',
      '/deploy/resources/1/spec/c',
    ])
    expect(problems[1]?.message).toContain('image, uri and digest')
    expect(problems[3]?.message).toContain('@sha256')
  })
})
