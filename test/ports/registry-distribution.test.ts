import { createDistributionRegistry } from '../../packages/server/src/adapters/registry/distribution/create-distribution-registry.ts'
import { registryUser, startDockerRegistry } from '../support/docker-registry.ts'
import { registrySuite } from './registry.suite.ts'

registrySuite('distribution', async () => {
  const server = await startDockerRegistry()
  return {
    registry: createDistributionRegistry({
      registry: `${server.host}/team`,
      openCredential: async () => registryUser,
      pauseMs: 10,
    }),
    dispose: () => server.close(),
  }
})
