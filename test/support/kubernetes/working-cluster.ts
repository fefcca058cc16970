import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import {
  connectDocker,
  DockerRefusal,
  postJson,
} from '../../../packages/server/src/docker/index.ts'
import type { ClusterObject } from './cluster-object.ts'
import { coreResources } from './core-resources.ts'
import { type ClusterNode, startNode } from './node/start-node.ts'
import { runJobs } from './run-jobs.ts'
import { type Cluster, startCluster } from './start-cluster.ts'

const shipped = (name: string) =>
  fileURLToPath(new URL(`../../../deploy/kubernetes/${name}`, import.meta.url))

export interface WorkingCluster extends Cluster {
  readonly node: ClusterNode
  /** Lets no pod be made, with what the cluster says of it; null: lets them be made again. */
  refusePods(message: string | null): void
}

/** A stand-in cluster that runs what it is given, with the Role and the policies that are shipped. */
export async function startWorkingCluster(options: {
  /** Of the Docker engine that runs the containers. */
  socketPath: string
}): Promise<WorkingCluster> {
  await makeNetwork(options.socketPath)
  let node: ClusterNode | null = null
  const cluster = await startCluster({
    resources: coreResources,
    roles: [shipped('role.yaml')],
    parts: {
      'pods/log': async (pod, asked, response) => node?.serveLog(pod, asked, response),
    },
  })
  const { store, namespace } = cluster
  for (const document of parseAllDocuments(
    await readFile(shipped('network-policy.yaml'), 'utf8'),
  )) {
    store.create('networkpolicies', namespace, document.toJS() as ClusterObject)
  }
  const warn = (object: ClusterObject, reason: string, message: string) => {
    const { apiVersion, kind, metadata } = object
    const { name, uid } = metadata
    const time = new Date().toISOString()
    store.create('events', namespace, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 40)}.${randomUUID()}` },
      involvedObject: { apiVersion, kind, name, namespace, uid },
      reason,
      message,
      type: 'Warning',
      firstTimestamp: time,
      lastTimestamp: time,
    })
  }
  const controller = runJobs(store, namespace, { warn })
  const started = startNode(store, { socketPath: options.socketPath, namespace })
  node = started
  return {
    ...cluster,
    node: started,
    refusePods: controller.refusePods,
    async close() {
      controller.close()
      await started.close()
      await cluster.close()
    },
  }
}

/** What pods are in that may use the network: one from which nothing outside is reached. */
async function makeNetwork(socketPath: string): Promise<void> {
  const docker = connectDocker({ host: { kind: 'unix', socketPath } })
  const body = { Name: 'cluster', Internal: true }
  try {
    await postJson(docker, '/networks/create', body, AbortSignal.timeout(10_000))
  } catch (error) {
    if (!(error instanceof DockerRefusal) || error.status !== 409) throw error
  }
}
