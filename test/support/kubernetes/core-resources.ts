import { isDeepStrictEqual } from 'node:util'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { Event } from 'kubernetes-models/v1/Event'
import { Pod } from 'kubernetes-models/v1/Pod'
import { Secret } from 'kubernetes-models/v1/Secret'
import type { ClusterObject } from './cluster-object.ts'
import { type ResourceType, resourceType } from './resource-type.ts'

const maxSecretBytes = 1024 * 1024

/** What the executor works with, by the published schemas of Kubernetes. */
export const coreResources: readonly ResourceType[] = [
  resourceType(Job, 'kubernetes-models/batch/v1/Job', {
    plural: 'jobs',
    // As `batch/v1` has it, for whoever relied on it long ago.
    deletesDependents: false,
    fill(job) {
      const template = job.spec?.template as { metadata?: ClusterObject['metadata'] } | undefined
      if (template === undefined) return
      const own = {
        'batch.kubernetes.io/controller-uid': job.metadata.uid,
        'batch.kubernetes.io/job-name': job.metadata.name,
        'controller-uid': job.metadata.uid,
        'job-name': job.metadata.name,
      }
      const metadata = { ...template.metadata, labels: { ...template.metadata?.labels, ...own } }
      job.spec = {
        parallelism: 1,
        completions: 1,
        backoffLimit: 6,
        suspend: false,
        ...job.spec,
        template: { ...template, metadata },
      }
    },
    check(job, before) {
      const { restartPolicy } = podSpecOf(job)
      const problems: string[] = []
      if (restartPolicy !== 'Never' && restartPolicy !== 'OnFailure') {
        problems.push(
          `spec.template.spec.restartPolicy: Unsupported value: ${String(restartPolicy)}`,
        )
      }
      if (before !== null && !isDeepStrictEqual(podSpecOf(job), podSpecOf(before))) {
        problems.push('spec.template: field is immutable')
      }
      return [...problems, ...podProblems(podSpecOf(job), 'spec.template.spec')]
    },
  }),
  resourceType(Pod, 'kubernetes-models/v1/Pod', {
    plural: 'pods',
    subresources: ['status', 'log'],
    check(pod, before) {
      const problems = podProblems(pod.spec ?? {}, 'spec')
      if (before === null) return problems
      const { activeDeadlineSeconds: now, nodeName: _, ...rest } = pod.spec ?? {}
      const { activeDeadlineSeconds: then, nodeName: __, ...was } = before.spec ?? {}
      if (!isDeepStrictEqual(rest, was)) {
        problems.push(
          'spec: Forbidden: pod updates may not change fields other than spec.activeDeadlineSeconds',
        )
      }
      if (now !== then && (Number(now) < 1 || Number(now) > Number(then ?? Infinity))) {
        problems.push('spec.activeDeadlineSeconds: must be less than or equal to previous value')
      }
      return problems
    },
  }),
  resourceType(Secret, 'kubernetes-models/v1/Secret', {
    plural: 'secrets',
    fill(secret) {
      const given = (secret.stringData ?? {}) as Record<string, string>
      const encoded = Object.entries(given).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ])
      secret.data = { ...(secret.data as object), ...Object.fromEntries(encoded) }
      delete secret.stringData
    },
    check(secret) {
      const data = Object.entries((secret.data ?? {}) as Record<string, string>)
      const problems = data
        .filter(([key]) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key))
        .map(([key]) => `data[${key}]: Invalid value`)
      const bytes = data.reduce((sum, [, value]) => sum + Buffer.from(value, 'base64').length, 0)
      if (bytes > maxSecretBytes) problems.push('data: Too long: must have at most 1048576 bytes')
      return problems
    },
  }),
  resourceType(Event, 'kubernetes-models/v1/Event', { plural: 'events' }),
  resourceType(NetworkPolicy, 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy', {
    plural: 'networkpolicies',
  }),
]

interface PodSpecShape {
  restartPolicy?: string
  containers?: { volumeMounts?: { name: string; subPath?: string; mountPath?: string }[] }[]
  volumes?: { name: string }[]
}

function podSpecOf(job: ClusterObject): PodSpecShape {
  return (job.spec?.template as { spec?: PodSpecShape } | undefined)?.spec ?? {}
}

/** Of what API servers check beyond the schema, that which can go wrong here. */
function podProblems(spec: PodSpecShape, path: string): string[] {
  const names = new Set((spec.volumes ?? []).map(({ name }) => name))
  const problems: string[] = []
  for (const { volumeMounts = [] } of spec.containers ?? []) {
    const seen = new Set<string>()
    for (const { name, subPath = '', mountPath = '' } of volumeMounts) {
      if (!names.has(name)) problems.push(`${path}.volumeMounts: Not found: ${name}`)
      if (seen.has(mountPath)) problems.push(`${path}.volumeMounts: ${mountPath} must be unique`)
      if (mountPath.includes(':')) problems.push(`${path}.volumeMounts: must not contain ":"`)
      if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
        problems.push(`${path}.volumeMounts: subPath must be a relative path without ".."`)
      }
      seen.add(mountPath)
    }
  }
  return problems
}
