import { createDockerImageEngine } from '../../packages/server/src/adapters/image-engine/docker/create-docker-image-engine.ts'
import { startDockerd } from '../support/dockerd.ts'
import { imageEngineSuite } from './image-engine.suite.ts'

imageEngineSuite('docker', async () => {
  const dockerd = await startDockerd()
  return {
    engine: createDockerImageEngine({ host: { kind: 'unix', socketPath: dockerd.socketPath } }),
    async containers() {
      const all = await dockerd.ask<{ Id: string }[]>('/containers/json?all=1')
      return all.map(({ Id }) => Id)
    },
    async nameless() {
      const all =
        await dockerd.ask<{ Id: string; RepoTags: string[] | null }[]>('/images/json?all=1')
      return all
        .filter(({ RepoTags }) => (RepoTags ?? []).join('') === '<none>:<none>')
        .map(({ Id }) => Id)
    },
    dispose: () => dockerd.close(),
  }
})
