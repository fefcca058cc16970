import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { type ArgoController, createArgoController } from './argo-controller.ts'
import { openPods, type Pods } from './argo-pods.ts'
import { argoResources } from './argo-resources.ts'
import type { ArgoWorkflow } from './argo-types.ts'
import type { ClusterObject } from './cluster-object.ts'
import { coreResources } from './core-resources.ts'
import { type Cluster, startCluster } from './start-cluster.ts'

/** What a server may do. */
export const roleFile = shipped('role.yaml')

function shipped(name: string): string {
  return fileURLToPath(new URL(`../../../deploy/argo/${name}`, import.meta.url))
}

/** A stand-in cluster with the shipped template and rights, and a controller of Argo Workflows. */
export interface ArgoCluster {
  readonly cluster: Cluster
  readonly controller: ArgoController
  readonly pods: Pods
  /** As it is now; null: there is none. */
  workflow(name: string): ArgoWorkflow | null
  /** Puts the token in place that dispatchers show. */
  putToken(token: string): void
  close(): Promise<void>
}

/** The WorkflowTemplate as it is shipped. */
export async function readTemplate(): Promise<ClusterObject> {
  return parse(await readFile(shipped('workflow-template.yaml'), 'utf8')) as ClusterObject
}

export async function startArgo(): Promise<ArgoCluster> {
  const cluster = await startCluster({
    resources: [...coreResources, ...argoResources],
    roles: [roleFile],
  })
  const { store, namespace } = cluster
  store.create('workflowtemplates', namespace, await readTemplate())
  const pods = await openPods()
  const controller = createArgoController({ store, namespace, pods })
  controller.start()
  return {
    cluster,
    controller,
    pods,
    workflow: (name) => store.find('workflows', namespace, name) as ArgoWorkflow | null,
    putToken(token) {
      const name = 'slipway-dispatcher'
      if (store.find('secrets', namespace, name) !== null) store.remove('secrets', namespace, name)
      store.create('secrets', namespace, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name },
        stringData: { token },
      })
    },
    async close() {
      await controller.stop()
      await pods.close()
      await cluster.close()
    },
  }
}
