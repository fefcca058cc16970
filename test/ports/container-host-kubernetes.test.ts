// What the cluster itself guarantees, such as isolation and limits, is here what Docker makes of a pod.
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { pack } from 'tar-stream'
import { createKubernetesContainerHost } from '../../packages/server/src/adapters/container-host/kubernetes/create-kubernetes-container-host.ts'
import { connectKubernetes, openClusterAccess } from '../../packages/server/src/kubernetes/index.ts'
import { busybox, busyboxFiles, startDockerd } from '../support/dockerd.ts'
import { startWorkingCluster } from '../support/kubernetes/working-cluster.ts'
import { containerHostSuite } from './container-host.suite.ts'

containerHostSuite(
  'kubernetes',
  async () => {
    const dockerd = await startDockerd()
    await dockerd.importImage('busybox:1', await busyboxFiles())
    const bare = pack()
    bare.entry({ name: 'only', mode: 0o755 }, await busybox())
    bare.finalize()
    await dockerd.importImage('bare:1', Readable.from(bare, { objectMode: false }))
    const cluster = await startWorkingCluster(dockerd)
    const { store, namespace, kubeconfig } = cluster
    const access = await openClusterAccess({ kubeconfig, service: null, account: '' })
    const list = (plural: string) => store.list(plural, namespace)
    return {
      host: createKubernetesContainerHost({
        kubernetes: connectKubernetes(access, namespace),
        owner: randomUUID(),
        pullPolicy: 'Never',
        log: pino({ level: 'silent' }),
      }),
      more: {
        pod: {
          runAs: 'root',
          nodeSelector: {},
          runtimeClass: null,
          pullSecrets: [],
          startTimeoutMs: 30_000,
          deadlineMs: 3_600_000,
        },
      },
      image: 'busybox:1',
      ownCommand: 'busybox:1',
      bare: 'bare:1',
      inspect: async () => JSON.stringify([list('jobs'), list('pods'), list('events')]),
      count: async () => ({
        containers: list('jobs').length,
        networks: 0,
        volumes: 0,
      }),
      async removeByHand() {
        for (const { metadata } of list('pods')) store.remove('pods', namespace, metadata.name)
      },
      kill: () => cluster.stop(),
      start: () => cluster.start(),
      async dispose() {
        await cluster.close()
        await dockerd.close()
      },
    }
  },
  [
    'further commands',
    'pause',
    'measure',
    'rename',
    'mounts',
    'own networks',
    'own command',
    'pids limit',
    'engine of their own',
  ],
)
