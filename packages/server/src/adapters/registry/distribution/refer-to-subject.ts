import { AppError } from '../../../errors.ts'
import { mediaTypes, parseObject } from '../../../oci/index.ts'
import type { NewManifest, StoredManifest } from '../../../ports/registry.ts'

/** What an index of referrers says of one of them. */
interface Referrer {
  mediaType: string
  digest: string
  size: number
  artifactType: string | null
  annotations: Readonly<Record<string, string>>
}

/**
 * Names a manifest in the index under its subject's tag, as a registry without the referrers API has it
 * (OCI Distribution Specification 1.1, "Referrers Tag Schema"). Answers what is to be pushed, null where
 * it is named already. Two at once may lose one of them: the specification has nothing against it.
 */
export function addReferrer(
  existing: StoredManifest | null,
  subject: string,
  referrer: Referrer,
): NewManifest | null {
  const tag = subject.replace(':', '-')
  const index = existing === null ? {} : parseObject(existing.content)
  const listed = index?.['manifests'] ?? []
  if (index === null || !Array.isArray(listed)) {
    throw new AppError('unavailable', `What the registry has under ${tag} is no index`)
  }
  const isSame = (item: unknown) =>
    (item as { digest?: unknown } | null)?.digest === referrer.digest
  if (listed.some(isSame)) return null
  const { artifactType, annotations, ...descriptor } = referrer
  const content = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [
      ...(listed as unknown[]),
      {
        ...descriptor,
        ...(artifactType === null ? {} : { artifactType }),
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      },
    ],
  }
  return { mediaType: mediaTypes.index, content: Buffer.from(JSON.stringify(content)), tags: [tag] }
}
