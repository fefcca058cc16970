// What deploy/kubernetes ships, held to the published schemas and to what servers and workers know.
import { readdir, readFile } from 'node:fs/promises'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role'
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { layOut } from '../../packages/server/src/adapters/job-bus/nats/layout.ts'
import { settings } from '../../packages/server/src/config/settings.ts'
import { storeStatements } from '../../packages/server/src/metrics/store-statements.ts'
import { type ResourceType, resourceType } from '../support/kubernetes/resource-type.ts'

const folder = new URL('../../deploy/kubernetes/', import.meta.url)
const types = new Map<string, ResourceType>(
  [
    resourceType(ScaledObject, '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject', {
      plural: 'scaledobjects',
    }),
    resourceType(StatefulSet, 'kubernetes-models/apps/v1/StatefulSet', { plural: 'statefulsets' }),
    resourceType(Service, 'kubernetes-models/v1/Service', { plural: 'services' }),
    resourceType(ServiceAccount, 'kubernetes-models/v1/ServiceAccount', {
      plural: 'serviceaccounts',
    }),
    resourceType(NetworkPolicy, 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy', {
      plural: 'networkpolicies',
    }),
    resourceType(Role, 'kubernetes-models/rbac.authorization.k8s.io/v1/Role', { plural: 'roles' }),
    resourceType(RoleBinding, 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding', {
      plural: 'rolebindings',
    }),
  ].map((type) => [type.kind, type]),
)

interface Shipped {
  kind: string
  metadata: { name: string }
  spec?: unknown
}

const read = async (file: string): Promise<Shipped[]> =>
  parseAllDocuments(await readFile(new URL(file, folder), 'utf8')).map(
    (document) => document.toJS() as Shipped,
  )
const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))

interface Worker {
  serviceName: string
  volumeClaimTemplates: { metadata: { name: string } }[]
  template: {
    spec: {
      terminationGracePeriodSeconds: number
      containers: { env: { name: string; value?: string }[] }[]
    }
  }
}
interface Scaled {
  scaleTargetRef: { kind: string; name: string }
  triggers: { type: string; name: string; metadata: Record<string, string> }[]
}
const worker = async () => {
  const found = (await read('worker.yaml')).find(({ kind }) => kind === 'StatefulSet')
  return { name: found?.metadata.name, spec: found?.spec as Worker }
}
const scaled = async (file: string) => (await read(file))[0]?.spec as Scaled
const environment = ({ template }: Worker): Record<string, string> =>
  Object.fromEntries(
    template.spec.containers[0]?.env.map(({ name, value }) => [name, value ?? '']) ?? [],
  )

describe('deploy/kubernetes', () => {
  it.each(files)('%s is as the published schemas have it', async (file) => {
    const objects = await read(file)
    expect(objects.length).toBeGreaterThan(0)
    for (const object of objects) {
      const type = types.get(object.kind)
      expect(type, object.kind).toBeDefined()
      expect({ [object.metadata.name]: type?.validate(object) }).toEqual({
        [object.metadata.name]: [],
      })
    }
  })

  it('sets nothing for workers that is no setting', async () => {
    const { spec } = await worker()
    const names = Object.keys(environment(spec)).filter((name) => !/^(POD|NODE)_NAME$/.test(name))
    expect(names.filter((name) => !Object.hasOwn(settings, name))).toEqual([])
    for (const [name, value] of Object.entries(environment(spec))) {
      const setting = settings[name as keyof typeof settings]
      if (setting !== undefined)
        expect(() => setting.parse(value.replace(/\$\(\w+\)/, 'node-1'))).not.toThrow()
    }
  })

  it('gives workers the claim that their steps mount, and more time than they take to drain', async () => {
    const { spec } = await worker()
    const env = environment(spec)
    const claim = spec.volumeClaimTemplates[0]?.metadata.name
    expect(env.KUBERNETES_VOLUME_CLAIM).toBe(`${claim}-$(POD_NAME)`)
    expect(env.SLIPWAY_DATA_DIR?.startsWith(`${env.KUBERNETES_VOLUME_PATH}/`)).toBe(true)
    const drainMs = settings.SLIPWAY_DRAIN_TIMEOUT.parse(env.SLIPWAY_DRAIN_TIMEOUT ?? '')
    expect(spec.template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drainMs)
  })

  it.each(['keda-worker.yaml', 'keda-worker-prometheus.yaml'])(
    '%s scales these workers',
    async (file) => {
      const { name, spec } = await worker()
      const { scaleTargetRef, triggers } = await scaled(file)
      expect(scaleTargetRef).toMatchObject({ kind: 'StatefulSet', name })
      const capacity = environment(spec).SLIPWAY_WORKER_CAPACITY
      for (const { metadata } of triggers) {
        expect(metadata.lagThreshold ?? metadata.threshold).toBe(capacity)
      }
    },
  )

  it('scales by the streams and consumers of each type of job that these workers take', async () => {
    const { spec } = await worker()
    const { byType } = layOut('')
    const { triggers } = await scaled('keda-worker.yaml')
    const taken = environment(spec).SLIPWAY_WORKER_TYPES?.split(',')
    expect(triggers.map(({ name }) => name)).toEqual(taken)
    for (const { type, name, metadata } of triggers) {
      expect(type).toBe('nats-jetstream')
      const { stream, consumer } = byType.get(name) ?? {}
      expect(metadata).toMatchObject({ stream, consumer })
    }
  })

  it('scales by figures that servers have, of the same types', async () => {
    const { spec } = await worker()
    const { triggers } = await scaled('keda-worker-prometheus.yaml')
    const query = triggers[0]?.metadata.query ?? ''
    const known = storeStatements.flatMap(({ gauges }) =>
      Object.values(gauges).map(({ name }) => name),
    )
    const asked = query.match(/slipway_\w+/g) ?? []
    expect(asked).toEqual(['slipway_jobs_queued', 'slipway_jobs_running'])
    expect(known).toEqual(expect.arrayContaining(asked))
    const types = environment(spec).SLIPWAY_WORKER_TYPES?.replaceAll(',', '|')
    expect(query.match(/type=~"([^"]+)"/g)).toEqual([`type=~"${types}"`, `type=~"${types}"`])
  })
})
