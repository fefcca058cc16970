import type { NpmPackage } from './read-package.ts'

/**
 * The document that publishes one version (npm's registry API, "PUT /{package}"), split where the
 * tarball goes in as base64: it is never whole in memory.
 */
export function publishDocument(input: {
  registry: string
  found: NpmPackage
  access: string | null
  distTag: string
}): { head: string; attachmentBytes: number; tail: string } {
  const { registry, found, access, distTag } = input
  const { manifest, size, shasum, integrity } = found
  const { name, version } = manifest
  const file = `${name}-${version}.tgz`
  const split = '\0'
  const document = {
    _id: name,
    name,
    ...(typeof manifest['description'] === 'string'
      ? { description: manifest['description'] }
      : {}),
    'dist-tags': { [distTag]: version },
    versions: {
      [version]: {
        ...manifest,
        _id: `${name}@${version}`,
        dist: { integrity, shasum, tarball: `${registry}/${name}/-/${file}` },
      },
    },
    // Always there; null leaves it to the registry.
    access,
    _attachments: {
      [file]: { content_type: 'application/octet-stream', data: split, length: size },
    },
  }
  const [head, tail] = halves(JSON.stringify(document), JSON.stringify(split))
  return { head: `${head}"`, attachmentBytes: 4 * Math.ceil(size / 3), tail: `"${tail}` }
}

/** At the last place, which is ours: a package's own texts stand before it. */
function halves(text: string, separator: string): [string, string] {
  const at = text.lastIndexOf(separator)
  return [text.slice(0, at), text.slice(at + separator.length)]
}
