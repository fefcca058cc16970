import { createHash } from 'node:crypto'

/** One path component of a repository's name (OCI Distribution Specification 1.1, "Pulling manifests"). */
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const name = new RegExp(`^${component.source.slice(1, -1)}(?:/${component.source.slice(1, -1)})*$`)
/** What a changed component ends in; no other one may look like that. */
const mark = /-h[0-9a-f]{16}$/
const longestComponent = 56
/** Many clients allow 255 for the registry's host and the name together. */
const longestName = 255

/**
 * The OCI repository of something that has a path of names: `ociName('acme/shop', 'api')` is
 * `acme/shop/api`. Names that are valid components stay as they are; any other is lower-cased,
 * cleaned and followed by 64 bits of its SHA-256, so that no two paths share a repository. A path's
 * own name followed by `/` begins the names of all that is below it.
 */
export function ociName(...path: readonly string[]): string {
  return path.join('/').split('/').map(toComponent).join('/')
}

/** Whether a text is a repository's name that a registry takes. */
export function isOciName(text: string): boolean {
  return text.length <= longestName && name.test(text)
}

function toComponent(text: string): string {
  if (text.length <= longestComponent && component.test(text) && !mark.test(text)) return text
  // By code units: halves of surrogate pairs are all the same in UTF-8.
  const hash = createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, 16)
  const readable = text
    .slice(0, longestComponent)
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .join('-')
    .slice(0, longestComponent - '-h'.length - hash.length)
    .replace(/-$/, '')
  return `${readable === '' ? 'x' : readable}-h${hash}`
}
