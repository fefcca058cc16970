import { dirname } from 'node:path'
import { pino } from 'pino'
import { createKubernetesExecutor } from '../../packages/server/src/adapters/executor/kubernetes/create-kubernetes-executor.ts'
import { connectKubernetes, openClusterAccess } from '../../packages/server/src/kubernetes/index.ts'
import type { Executor } from '../../packages/server/src/ports/executor.ts'

/** Where an executor finds its cluster, for a process of its own as well. */
export interface ClusterPlace {
  kubeconfig: string
  namespace: string
  claim: string
  startTimeoutMs: number
}

/** Not root: what steps run as in a cluster that lets nobody be root. */
const stepUser = { uid: 54_321, gid: 54_321 }

/** An executor whose volume is the directory of temporary files. */
export async function openKubernetesExecutor(
  place: ClusterPlace,
  stateDir: string,
): Promise<Executor> {
  const access = await openClusterAccess({
    kubeconfig: place.kubeconfig,
    service: null,
    account: '',
  })
  return makeOn(access, place, stateDir)
}

export function makeOn(
  access: Awaited<ReturnType<typeof openClusterAccess>>,
  place: ClusterPlace,
  stateDir: string,
  more: { nodeSelector?: Record<string, string> } = {},
): Executor {
  return createKubernetesExecutor({
    kubernetes: connectKubernetes(access, place.namespace),
    stateDir,
    volume: { claim: place.claim, path: dirname(dirname(stateDir)) },
    pods: {
      user: stepUser,
      pullPolicy: 'Never',
      pullSecrets: [],
      nodeSelector: {},
      runtimeClass: null,
      ...more,
    },
    startTimeoutMs: place.startTimeoutMs,
    log: pino({ level: 'silent' }),
  })
}
