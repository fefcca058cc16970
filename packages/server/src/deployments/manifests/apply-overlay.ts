import type { KubernetesResource } from '@slipway/forge'
import { isMapping, mergePatch } from './merge-patch.ts'
import type { Overlay } from './parse-overlay.ts'

/** Kinds that are in no namespace. */
const clusterWide: ReadonlySet<string> = new Set([
  'APIService',
  'CSIDriver',
  'ClusterIssuer',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'IngressClass',
  'MutatingWebhookConfiguration',
  'Namespace',
  'Node',
  'PersistentVolume',
  'PriorityClass',
  'RuntimeClass',
  'StorageClass',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingWebhookConfiguration',
  'VolumeAttachment',
])

/** The resources as the overlay wants them: patches first, then namespace and labels. */
export function applyOverlay(
  resources: readonly KubernetesResource[],
  overlay: Overlay,
  problem: (message: string) => void,
): KubernetesResource[] {
  let changed = [...resources]
  for (const [index, { target, patch, optional }] of overlay.patches.entries()) {
    let hits = 0
    changed = changed.map((resource) => {
      const isMeant =
        resource.kind === target.kind &&
        (target.name === null || resource.metadata.name === target.name)
      if (!isMeant) return resource
      hits += 1
      const patched = mergePatch(resource, patch) as KubernetesResource
      if (isSame(resource, patched)) return patched
      problem(
        `patches[${index}].patch: must leave apiVersion, kind and metadata.name of ${nameOf(resource)}`,
      )
      return resource
    })
    if (hits > 0 || optional) continue
    const wanted = target.name === null ? target.kind : `${target.kind} ${target.name}`
    problem(`patches[${index}].target: the release has no ${wanted} (optional: true lets that be)`)
  }
  return changed.map((resource) => place(resource, overlay))
}

function isSame(before: KubernetesResource, after: KubernetesResource): boolean {
  return (
    after.apiVersion === before.apiVersion &&
    after.kind === before.kind &&
    isMapping(after.metadata) &&
    after.metadata.name === before.metadata.name
  )
}

function place(resource: KubernetesResource, { namespace, labels }: Overlay): KubernetesResource {
  const { metadata } = resource
  const own = isMapping(metadata['labels']) ? metadata['labels'] : {}
  const hasLabels = Object.keys(labels).length > 0
  return {
    ...resource,
    metadata: {
      ...metadata,
      ...(namespace === null || clusterWide.has(resource.kind) ? {} : { namespace }),
      ...(hasLabels ? { labels: { ...own, ...labels } } : {}),
    },
  }
}

function nameOf(resource: KubernetesResource): string {
  return `${resource.kind} ${resource.metadata.name}`
}
