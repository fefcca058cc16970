import { checkAction } from './check-steps.ts'
import { childPointer } from './json-pointer.ts'
import type { Report } from './problems.ts'
import { asArray, asRecord, field } from './raw.ts'
import { didYouMean } from './suggest.ts'

/** What `$artifact` may ask for: the URI with its digest, the digest alone, and `image` for a container's URI. */
const artifactFields = ['image', 'uri', 'digest']

/**
 * Reports what is wrong between a project's artifacts, the publishers it may name (null: not
 * known, so that none is missed) and the `$artifact` references of its manifests.
 */
export function checkArtifacts(
  project: unknown,
  publishers: ReadonlyMap<string, { type: string | null }> | null,
  report: Report,
): void {
  const artifacts = asRecord(field(project, 'artifacts'))
  for (const [name, artifact] of Object.entries(artifacts)) {
    const pointer = childPointer('/artifacts', name)
    checkProducer(artifact, pointer, report)
    asArray(field(artifact, 'publishers')).forEach((publisher, index) => {
      if (publishers === null || typeof publisher !== 'string') return
      const at = `${pointer}/publishers/${index}`
      const known = publishers.get(publisher)
      if (known === undefined) {
        const hint = didYouMean(publisher, publishers.keys())
        report(at, `There is no publisher "${publisher}" in the repository file.${hint}`)
      } else checkTaken(field(artifact, 'type'), known.type, at, report)
    })
  }
  asArray(field(field(project, 'deploy'), 'resources')).forEach((resource, index) => {
    checkReferences(resource, `/deploy/resources/${index}`, artifacts, report)
  })
}

/** Which types of artifacts a type of publisher takes. */
function checkTaken(type: unknown, publisher: string | null, at: string, report: Report): void {
  const files = publisher === 's3' || publisher === 'github'
  if (type === 'container' && (files || publisher === 'npm')) {
    report(
      at,
      `A container goes to registries (type oci), not to a publisher of type ${publisher}.`,
    )
  } else if (type === 'binary' && publisher === 'npm') {
    report(at, 'A publisher of type npm takes archives, not binaries.')
  }
}

function checkProducer(artifact: unknown, pointer: string, report: Report): void {
  const producer = field(artifact, 'producer')
  const keys = Object.keys(asRecord(producer))
  const at = `${pointer}/producer`
  if (keys.some((key) => key !== 'path')) checkAction(producer, at, report)
  const type = field(artifact, 'type')
  if (type !== 'container' && keys.length > 0 && !keys.includes('path')) {
    report(
      at,
      `A ${String(type)} needs the key "path": the file or folder that the command leaves behind.`,
    )
  }
}

function checkReferences(
  value: unknown,
  pointer: string,
  artifacts: Record<string, unknown>,
  report: Report,
): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) =>
      checkReferences(item, childPointer(pointer, index), artifacts, report),
    )
    return
  }
  for (const [key, item] of Object.entries(asRecord(value))) {
    const child = childPointer(pointer, key)
    if (key === '$artifact') checkReference(value, item, child, artifacts, report)
    else checkReferences(item, child, artifacts, report)
  }
}

function checkReference(
  holder: unknown,
  reference: unknown,
  pointer: string,
  artifacts: Record<string, unknown>,
  report: Report,
): void {
  const name = field(reference, 'name')
  const wanted = field(reference, 'field')
  const others = Object.keys(asRecord(reference)).filter((key) => key !== 'name' && key !== 'field')
  if (typeof name !== 'string' || typeof wanted !== 'string' || others.length > 0) {
    return report(pointer, 'must be an object with the keys "name" and "field", both strings.')
  }
  if (Object.keys(asRecord(holder)).length > 1) {
    report(pointer, 'stands for the whole value; there can be no other keys beside it.')
  }
  if (!Object.hasOwn(artifacts, name)) {
    const hint = didYouMean(name, Object.keys(artifacts))
    report(`${pointer}/name`, `The project has no artifact "${name}".${hint}`)
  } else if (wanted === 'image' && field(artifacts[name], 'type') !== 'container') {
    report(
      `${pointer}/field`,
      `"image" is for containers; "${name}" is none. There are uri and digest.`,
    )
  }
  if (!artifactFields.includes(wanted)) {
    const hint = didYouMean(wanted, artifactFields)
    report(
      `${pointer}/field`,
      `There is no field "${wanted}".${hint} There are ${artifactFields.join(', ')}.`,
    )
  }
}
