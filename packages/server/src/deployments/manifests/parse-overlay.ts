import { readYaml } from '@slipway/forge'
import { isMapping } from './merge-patch.ts'

/** What an environment, or one place in it, wants otherwise than the release has it. */
export interface Overlay {
  /** Path in the GitOps repository. */
  file: string
  /** Namespace of everything that can be in one; null: as the release says. */
  namespace: string | null
  labels: Readonly<Record<string, string>>
  patches: readonly OverlayPatch[]
}

export interface OverlayPatch {
  /** `name` null: every resource of the kind. */
  target: { kind: string; name: string | null }
  /** JSON Merge Patch. */
  patch: Readonly<Record<string, unknown>>
  /** Whether it may be that nothing is there to be patched. */
  optional: boolean
}

const mostBytes = 256 * 1024
/** What an overlay may have of a Kubernetes resource's head, so that tools which read the folder pass it over. */
const head = ['apiVersion', 'kind', 'metadata']

/** Reads an overlay; every problem goes to `problem`, and the overlay is then not to be used. */
export function parseOverlay(
  file: string,
  content: Buffer,
  problem: (message: string) => void,
): Overlay {
  const value = parse(content, problem)
  const overlay = { file, namespace: null, labels: {}, patches: [] }
  if (value === null || value === undefined) return overlay
  if (!isMapping(value)) {
    problem('must hold a mapping')
    return overlay
  }
  refuseOthers(value, [...head, 'namespace', 'labels', 'patches'], '', problem)
  if (value['kind'] !== undefined && value['kind'] !== 'Overlay') problem('kind: must be Overlay')
  return {
    file,
    namespace: readNamespace(value['namespace'], problem),
    labels: readLabels(value['labels'], problem),
    patches: readPatches(value['patches'], problem),
  }
}

function parse(content: Buffer, problem: (message: string) => void): unknown {
  if (content.length > mostBytes) {
    problem(`is larger than ${mostBytes / 1024} KiB`)
    return null
  }
  const read = readYaml(content.toString('utf8'))
  if (read.ok) return read.value
  for (const { path, line, message } of read.problems) {
    const where = [...(line === undefined ? [] : [`line ${line}`]), ...(path === '' ? [] : [path])]
    problem([...where, message.replace(/\.$/, '')].join(': '))
  }
  return null
}

function readNamespace(value: unknown, problem: (message: string) => void): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value
  problem('namespace: must be the name of a namespace')
  return null
}

function readLabels(value: unknown, problem: (message: string) => void): Record<string, string> {
  if (value === undefined || value === null) return {}
  if (!isMapping(value)) {
    problem('labels: must be a mapping')
    return {}
  }
  const labels = Object.entries(value).flatMap(([key, label]): [string, string][] => {
    if (typeof label === 'string') return [[key, label]]
    problem(`labels.${key}: must be a text; put it in quotes`)
    return []
  })
  return Object.fromEntries(labels)
}

function readPatches(value: unknown, problem: (message: string) => void): OverlayPatch[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    problem('patches: must be a list')
    return []
  }
  return (value as unknown[]).flatMap((entry, index) => {
    const place = `patches[${index}]`
    const before = (message: string) => problem(`${place}${message}`)
    if (!isMapping(entry)) {
      before(': must be a mapping with target and patch')
      return []
    }
    refuseOthers(entry, ['target', 'patch', 'optional'], `${place}.`, problem)
    const { target, patch, optional = false } = entry
    if (!isMapping(patch)) before('.patch: must be a mapping')
    if (typeof optional !== 'boolean') before('.optional: must be true or false')
    if (!isMapping(target)) {
      before('.target: must be a mapping with kind and name')
      return []
    }
    refuseOthers(target, ['kind', 'name'], `${place}.target.`, problem)
    const { kind, name = null } = target
    if (typeof kind !== 'string') before('.target.kind: must be a text')
    if (name !== null && typeof name !== 'string') before('.target.name: must be a text')
    if (!isMapping(patch) || typeof kind !== 'string') return []
    return [
      {
        target: { kind, name: typeof name === 'string' ? name : null },
        patch,
        optional: optional === true,
      },
    ]
  })
}

function refuseOthers(
  value: Record<string, unknown>,
  known: readonly string[],
  prefix: string,
  problem: (message: string) => void,
): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) problem(`${prefix}${key}: is not known here`)
  }
}
