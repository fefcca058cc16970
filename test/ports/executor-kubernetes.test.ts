// What the cluster itself guarantees, such as isolation and limits, is here what Docker makes of a pod.
import { umask } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { openClusterAccess } from '../../packages/server/src/kubernetes/index.ts'
import { busyboxFiles, dashFiles, startDockerd } from '../support/dockerd.ts'
import { startWorkingCluster } from '../support/kubernetes/working-cluster.ts'
import { type ClusterPlace, makeOn } from './executor-kubernetes-world.ts'
import { executorSuite } from './executor.suite.ts'

// Steps are not whom the tests run as.
const before = umask(0)
const dockerd = await startDockerd()
await dockerd.importImage('plain:1', await busyboxFiles(await dashFiles()))
const cluster = await startWorkingCluster(dockerd)
afterAll(async () => {
  umask(before)
  await cluster.close()
  await dockerd.close()
})
const access = await openClusterAccess({
  kubeconfig: cluster.kubeconfig,
  service: null,
  account: '',
})

/** All worlds are on one volume: directories of `/tmp`. */
const place: ClusterPlace = {
  kubeconfig: cluster.kubeconfig,
  namespace: cluster.namespace,
  claim: 'files',
  startTimeoutMs: 30_000,
}
beforeAll(() => cluster.node.addClaim('files', '/tmp'))

executorSuite(
  'kubernetes (isolation and limits as the stand-in cluster gives them)',
  (stateDir) => makeOn(access, place, stateDir),
  {
    isolated: true,
    memory: true,
    pids: false,
    showsSys: true,
    image: 'plain:1',
    parent: [
      '--conditions=@slipway/source',
      '--import',
      'tsx',
      fileURLToPath(new URL('executor-kubernetes-parent.ts', import.meta.url)),
      JSON.stringify(place),
    ],
  },
)
