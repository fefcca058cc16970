import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { createDockerContainerHost } from '../../packages/server/src/adapters/container-host/docker/create-docker-container-host.ts'
import { busybox, busyboxFiles, startDockerd } from '../support/dockerd.ts'
import { containerHostSuite } from './container-host.suite.ts'

const pull = { policy: 'never', timeoutMs: 10_000 } as const

containerHostSuite('docker', async () => {
  const dockerd = await startDockerd()
  const { socketPath } = dockerd
  await dockerd.importImage('busybox:1', await busyboxFiles())
  await dockerd.importImage('own:1', await busyboxFiles(), [
    'ENTRYPOINT ["/bin/echo","own"]',
    'CMD ["command"]',
    'VOLUME /data',
  ])
  const bare = pack()
  bare.entry({ name: 'only', mode: 0o755 }, await busybox())
  bare.finalize()
  await dockerd.importImage('bare:1', Readable.from(bare, { objectMode: false }))
  return {
    host: createDockerContainerHost({
      host: { kind: 'unix', socketPath },
      pull,
      logBytes: 8 << 20,
    }),
    image: 'busybox:1',
    ownCommand: 'own:1',
    bare: 'bare:1',
    inspect: async (id) => JSON.stringify(await dockerd.ask(`/containers/${id}/json`)),
    async count() {
      const containers = await dockerd.ask<unknown[]>('/containers/json?all=1')
      const networks = await dockerd.ask<{ Driver: string }[]>('/networks')
      const { Volumes } = await dockerd.ask<{ Volumes: unknown[] | null }>('/volumes')
      return {
        containers: containers.length,
        networks: networks.filter(({ Driver }) => Driver === 'bridge').length,
        volumes: Volumes?.length ?? 0,
      }
    },
    removeByHand: (id) => dockerd.ask(`/containers/${id}?force=1`, 'DELETE'),
    kill: () => dockerd.kill(),
    start: () => dockerd.start(),
    dispose: () => dockerd.close(),
  }
})
