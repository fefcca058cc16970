import { createDockerImageEngine } from '../adapters/image-engine/docker/create-docker-image-engine.ts'
import { createDistributionRegistry } from '../adapters/registry/distribution/create-distribution-registry.ts'
import type { Config } from '../config/read-config.ts'
import type { CredentialsDeps } from '../credentials/index.ts'
import type { DockerOptions } from '../docker/index.ts'
import type { ImageEngine, ImageLogin } from '../ports/image-engine.ts'
import type { Registry } from '../ports/registry.ts'
import { openRegistryLogin, type RegistriesDeps } from '../registries/index.ts'
import type { Resources } from '../resources.ts'

/** What builds make and push images with. */
export interface OpenedImages {
  /** There may be none behind it: then what needs it says so, and nothing else is affected. */
  images: ImageEngine
  buildNetwork: 'default' | 'none'
  /** Asks a registry what it holds of what was pushed. */
  openPushed: (address: string, login: ImageLogin | null) => Registry
  /** Where images are pushed to. */
  containerRegistries: RegistriesDeps
  openRegistryLogin: (input: { registryId: number }) => Promise<ImageLogin | null>
}

/** The Docker engine of the settings, which is contacted when something needs it. */
export function openImageEngine(
  config: Config,
  docker: DockerOptions,
  credentials: CredentialsDeps,
  resources: Resources,
): OpenedImages {
  const { plainHttp } = config.oci
  const containerRegistries = { ...credentials, plainHttp }
  return {
    ...openWorkerImages(config, docker, { plainHttp }, resources),
    containerRegistries,
    openRegistryLogin: (input) => openRegistryLogin(containerRegistries, input),
  }
}

/** What of it a worker has, wherever it is. */
export function openWorkerImages(
  config: Pick<Config, 'images'>,
  docker: DockerOptions,
  { plainHttp }: { plainHttp: readonly string[] },
  resources: Resources,
): Pick<OpenedImages, 'images' | 'buildNetwork' | 'openPushed'> {
  const images = createDockerImageEngine(docker)
  resources.add('image engine', images, (engine) => engine.close())
  return {
    images,
    buildNetwork: config.images.buildNetwork,
    openPushed: (address, login) =>
      createDistributionRegistry({
        registry: address,
        plainHttp,
        openCredential: async () => login,
      }),
  }
}
