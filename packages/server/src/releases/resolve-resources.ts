import type { ArtifactType } from '@slipway/contract/releases'
import type { KubernetesResource } from '@slipway/forge'
import { AppError } from '../errors.ts'

/** An artifact of a release, as manifests may refer to it. */
export interface ReleasedArtifact {
  name: string
  type: ArtifactType
  tracking_oci_uri: string
  primary_published_uri: string
  /** Of the content, `sha256:…`; null where neither the URI nor the run says it. */
  digest: string | null
}

/**
 * Puts the artifacts of a release in the place of the `{$artifact: {name, field}}` of its manifests:
 * - `image`: a container's URI with its digest;
 * - `uri`: where the artifact is, a container's with its digest;
 * - `digest`: `sha256:…`.
 *
 * AppError `invalid_request` names every reference that cannot be resolved.
 */
export function resolveResources(
  resources: readonly KubernetesResource[],
  artifacts: readonly ReleasedArtifact[],
): KubernetesResource[] {
  const byName = new Map(artifacts.map((artifact) => [artifact.name, artifact]))
  const problems: { path: string; message: string }[] = []
  const resolved = resources.map((resource, index) =>
    resolve(resource, `/deploy/resources/${index}`, (reference, path) => {
      const value = lookUp(reference, byName)
      if (value.ok) return value.text
      problems.push({ path, message: value.problem })
      return ''
    }),
  )
  const [first] = problems
  if (first !== undefined) {
    const rest = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
    throw new AppError(
      'invalid_request',
      `The manifests cannot be resolved: ${first.path} ${first.message}${rest}`,
      { problems: problems.slice(0, 100) },
    )
  }
  return resolved as KubernetesResource[]
}

type Replace = (reference: unknown, path: string) => string

function resolve(value: unknown, path: string, replace: Replace): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => resolve(item, `${path}/${index}`, replace))
  }
  if (typeof value !== 'object' || value === null) return value
  if ('$artifact' in value) return replace(value.$artifact, path)
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolve(item, `${path}/${key}`, replace)]),
  )
}

type Value = { ok: true; text: string } | { ok: false; problem: string }

function lookUp(reference: unknown, artifacts: ReadonlyMap<string, ReleasedArtifact>): Value {
  const { name, field } = (reference ?? {}) as { name?: unknown; field?: unknown }
  const artifact = typeof name === 'string' ? artifacts.get(name) : undefined
  if (artifact === undefined) {
    return { ok: false, problem: `refers to the artifact ${String(name)}, which there is not` }
  }
  const { type, primary_published_uri: uri, digest } = artifact
  const withDigest = (): Value =>
    digest === null
      ? {
          ok: false,
          problem: `needs the digest of ${artifact.name}: its primary_published_uri must end in @sha256:…`,
        }
      : { ok: true, text: uri.endsWith(`@${digest}`) ? uri : `${uri}@${digest}` }
  switch (field) {
    case 'image':
      if (type === 'container') return withDigest()
      return { ok: false, problem: `asks for the image of ${artifact.name}, which is a ${type}` }
    case 'uri':
      return type === 'container' ? withDigest() : { ok: true, text: uri }
    case 'digest': {
      const known = withDigest()
      return known.ok ? { ok: true, text: digest ?? '' } : known
    }
    default:
      return {
        ok: false,
        problem: `asks for the field ${String(field)}; there are image, uri and digest`,
      }
  }
}
