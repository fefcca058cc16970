import { createReadStream } from 'node:fs'
import { AppError } from '../../../errors.ts'
import type { Publisher } from '../../../ports/publisher.ts'
import { requireFile, textKey } from '../publication-path.ts'
import { publishDocument } from './publish-document.ts'
import { type NpmPackage, withPackage } from './read-package.ts'
import { type RegistryAccess, requestRegistry } from './request-registry.ts'

const defaultRegistry = 'https://registry.npmjs.org'

/**
 * Publishes packages to npm registries by their HTTP API. Name and version come from the package's
 * own package.json. A version that is there already stays; when its content is another, the
 * publication fails, since no registry replaces a version.
 */
export function createNpmPublisher(deps: {
  /** Where a package is put together, and removed again. */
  scratchDirectory: string
  /** `registry` is where the token goes; `askedBy` as in a publication. */
  openToken: (
    credential: string,
    use: { registry: string; askedBy: string | null },
  ) => Promise<string>
}): Publisher {
  return {
    async publish(publication, signal) {
      const content = requireFile(publication)
      const { credential, askedBy } = publication
      const registry = (textKey(publication, 'registry') ?? defaultRegistry).replace(/\/+$/, '')
      const token =
        credential === null ? null : await deps.openToken(credential, { registry, askedBy })
      const access: RegistryAccess = { registry, token }
      return withPackage(content, deps.scratchDirectory, signal, async (found) => {
        const { name, version } = found.manifest
        const uri = tarballUrl(registry, found)
        const there = await findVersion(access, found, signal)
        if (there === null) {
          const document = publishDocument({
            registry,
            found,
            access: textKey(publication, 'access'),
            distTag: textKey(publication, 'distTag') ?? 'latest',
          })
          const { status, json } = await requestRegistry(
            access,
            {
              method: 'PUT',
              path: pathOf(name),
              body: { ...document, attachment: () => createReadStream(found.path) },
            },
            signal,
          )
          // Somebody else was faster: what counts is whether it was with the same content.
          const isTaken = status === 409 || status === 403
          if (!isTaken || (await findVersion(access, found, signal)) !== found.integrity) {
            requireSuccess({ status, json }, `${name}@${version}`)
          }
        } else if (there !== found.integrity) {
          throw new AppError(
            'resource_conflict',
            `${name}@${version} is there already, with other content; raise the version`,
          )
        }
        return { uri, digest: content.digest }
      })
    },
  }
}

const pathOf = (name: string) => `/${name.replace('/', '%2f')}`

function tarballUrl(registry: string, { manifest: { name, version } }: NpmPackage): string {
  return `${registry}/${name}/-/${name.replace(/^@[^/]+\//, '')}-${version}.tgz`
}

/** The integrity of a version that the registry has; null when it has none. */
async function findVersion(
  access: RegistryAccess,
  { manifest: { name, version } }: NpmPackage,
  signal: AbortSignal,
): Promise<string | null> {
  const answer = await requestRegistry(access, { method: 'GET', path: pathOf(name) }, signal)
  if (answer.status === 404) return null
  requireSuccess(answer, name)
  const versions = (
    answer.json as { versions?: Record<string, { dist?: { integrity?: string } }> } | null
  )?.versions
  if (versions === undefined || !Object.hasOwn(versions, version)) return null
  return versions[version]?.dist?.integrity ?? 'unknown'
}

function requireSuccess({ status, json }: { status: number; json: unknown }, what: string): void {
  if (status >= 200 && status < 300) return
  const { error, reason } = (json ?? {}) as { error?: unknown; reason?: unknown }
  const said = [reason, error].find((text) => typeof text === 'string')
  const why = said === undefined ? `HTTP ${status}` : `HTTP ${status}: ${said.slice(0, 300)}`
  if (status === 401 || status === 403) {
    throw new AppError('authorization_failed', `The npm registry refuses ${what} (${why})`)
  }
  const code = status >= 500 ? 'unavailable' : 'invalid_request'
  throw new AppError(code, `The npm registry does not take ${what} (${why})`)
}
