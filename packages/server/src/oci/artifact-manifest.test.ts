import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildArtifactManifest, emptyDescriptor } from './artifact-manifest.ts'
import { digestOf } from './digests.ts'
import { parseManifest } from './parse-manifest.ts'

const layer = { mediaType: 'text/plain', digest: digestOf('hello'), size: 5 }
const build = (more: Partial<Parameters<typeof buildArtifactManifest>[0]> = {}) =>
  buildArtifactManifest({ artifactType: 'application/vnd.test', layers: [layer], ...more })

describe('buildArtifactManifest', () => {
  it('is what the specification says of artifacts without a config', () => {
    const { content, digest, size } = build({ subject: layer, annotations: { b: '2', a: '1' } })
    expect(content.toString()).toBe(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        artifactType: 'application/vnd.test',
        config: {
          mediaType: 'application/vnd.oci.empty.v1+json',
          digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
          size: 2,
        },
        layers: [layer],
        subject: layer,
        annotations: { a: '1', b: '2' },
      }),
    )
    expect(digest).toBe(digestOf(content))
    expect(size).toBe(content.length)
  })

  it('has the empty layer where there is none', () => {
    const { content } = build({ layers: [] })
    expect(JSON.parse(content.toString()).layers).toEqual([emptyDescriptor])
  })

  it('gives equal bytes for equal annotations, and is read as it was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (annotations) => {
        const turned = Object.fromEntries(Object.entries(annotations).toReversed())
        const { content, mediaType, digest } = build({ annotations })
        expect(build({ annotations: turned }).digest).toBe(digest)
        const parsed = parseManifest({ mediaType, content })
        expect(parsed.annotations).toEqual(annotations)
        expect(parsed.artifactType).toBe('application/vnd.test')
        expect(parsed.blobs).toEqual([emptyDescriptor, layer])
      }),
    )
  })
})

describe('parseManifest', () => {
  const refusal = (mediaType: string, content: string) => {
    try {
      parseManifest({ mediaType, content: Buffer.from(content) })
      return null
    } catch (error) {
      return error as { code: string; message: string; details?: { problems: { path: string }[] } }
    }
  }
  const manifest = 'application/vnd.oci.image.manifest.v1+json'

  it('names every problem', () => {
    const error = refusal(
      manifest,
      JSON.stringify({
        schemaVersion: 1,
        mediaType: 'text/html',
        config: { mediaType: '', digest: 'sha256:../../x', size: -1 },
        layers: [7],
        annotations: { a: 1 },
      }),
    )
    expect(error?.code).toBe('invalid_request')
    expect(error?.details?.problems.map(({ path }) => path)).toEqual([
      '/schemaVersion',
      '/mediaType',
      '/config/mediaType',
      '/config/digest',
      '/config/size',
      '/layers/0',
      '/annotations',
    ])
  })

  it.each([
    [manifest, '[]', 'not a JSON object'],
    [manifest, '{', 'not a JSON object'],
    [manifest, `{"x":"${'a'.repeat(4 * 1024 * 1024)}"}`, 'larger than 4194304 bytes'],
    ['text/plain', '{}', 'not a manifest'],
    ['application/vnd.oci.image.index.v1+json', '{"schemaVersion":2}', '/manifests must be'],
  ])('refuses %s %.20s', (mediaType, content, message) => {
    expect(refusal(mediaType, content)?.message).toContain(message)
  })

  it('never fails in another way', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const error = refusal(manifest, json)
        expect(error?.code).toBe('invalid_request')
      }),
    )
  })

  it('does not ask for layers that are fetched from elsewhere', () => {
    const { content, mediaType } = build({
      layers: [
        { ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
      ],
    })
    expect(parseManifest({ mediaType, content }).blobs).toEqual([emptyDescriptor])
  })
})
