import { isDigest, isOciName, isTag } from '../../oci/index.ts'
import { OciRefusal } from './refusal.ts'

/** What a path below `/v2/` asks for. */
export type OciTarget =
  | { kind: 'catalog' }
  | { kind: 'tags'; name: string }
  | { kind: 'manifest'; name: string; reference: string }
  | { kind: 'blob'; name: string; digest: string }
  | { kind: 'referrers'; name: string; digest: string }

const endpoint = /^(.+)\/(manifests|blobs|referrers)\/([^/]+)$/

/** Reads a path; a name has slashes itself, so the end says what it is. Throws an `OciRefusal`. */
export function parsePath(path: string): OciTarget {
  if (path === '_catalog') return { kind: 'catalog' }
  if (path.endsWith('/tags/list')) {
    return { kind: 'tags', name: checkName(path.slice(0, -'/tags/list'.length)) }
  }
  const [, before, kind, last = ''] = endpoint.exec(path) ?? []
  if (before === undefined) throw new OciRefusal(404, 'UNSUPPORTED', 'There is no such endpoint')
  const name = checkName(before)
  if (kind === 'manifests') {
    if (isDigest(last) || isTag(last)) return { kind: 'manifest', name, reference: last }
    throw new OciRefusal(404, 'MANIFEST_UNKNOWN', 'This is neither a tag nor a sha256 digest')
  }
  if (!isDigest(last)) throw new OciRefusal(400, 'DIGEST_INVALID', 'This is not a sha256 digest')
  return { kind: kind === 'blobs' ? 'blob' : 'referrers', name, digest: last }
}

function checkName(name: string): string {
  if (isOciName(name)) return name
  throw new OciRefusal(400, 'NAME_INVALID', 'This is not the name of a repository')
}
