import { join } from 'node:path'
import type { WorkerSettings } from '@slipway/contract/worker-api'
import { findTool } from '../adapters/executor/process/find-tool.ts'
import { createOctokitGitHub } from '../adapters/github/octokit/create-octokit-github.ts'
import { createGithubPublisher } from '../adapters/publisher/github/create-github-publisher.ts'
import { createNpmPublisher } from '../adapters/publisher/npm/create-npm-publisher.ts'
import {
  createHomePublisher,
  createOciPublisher,
} from '../adapters/publisher/oci/create-oci-publisher.ts'
import { createS3Publisher } from '../adapters/publisher/s3/create-s3-publisher.ts'
import { openRegistries } from '../adapters/registry/open-registries.ts'
import type { Config } from '../config/read-config.ts'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Publisher } from '../ports/publisher.ts'
import type { WorkerApi } from '../ports/worker-api.ts'
import type { WorkerClient } from '../remote/http/open-worker-client.ts'
import { createRemoteSigner, openPublisherLogins } from '../remote/remote-publishing.ts'
import { createRemoteRegistry } from '../remote/remote-registry.ts'
import type { WorkerDeps } from '../worker/index.ts'

/**
 * What a worker without the database makes and publishes artifacts with: the home registry and signatures go
 * through its server, to all others it goes by itself with logins that the server gives it for the job.
 */
export function openRemoteArtifacts(
  config: Pick<Config, 'dataDir'>,
  opened: {
    api: WorkerApi
    client: WorkerClient
    settings: WorkerSettings
    objects: ObjectStore
    version: string
  },
) {
  const { api, client, settings, objects, version } = opened
  const { plain_http_registries: plainHttp, signing_key: publicKey } = settings
  const openPlaces = (claim: JobClaim) => {
    const open = openPublisherLogins(client, claim)
    const home = createRemoteRegistry({ api, client }, { claim, base: settings.registry })
    const registries = openRegistries({
      home,
      plainHttp,
      openLogin: ({ name, askedBy }) => open({ kind: 'registry' }, { credential: name, askedBy }),
    })
    return {
      registries,
      homePublisher: createHomePublisher({ registries }),
      publishers: {
        oci: createOciPublisher({ registries }),
        s3: createS3Publisher({
          openKeys: (credential, { endpoint, askedBy }) =>
            open({ kind: 'bucket', endpoint }, { credential, askedBy }),
        }),
        npm: createNpmPublisher({
          scratchDirectory: join(config.dataDir, 'work', 'npm'),
          openToken: async (credential, { registry, askedBy }) =>
            (await open({ kind: 'npm', registry }, { credential, askedBy })).token,
        }),
        github: createGithubPublisher({
          async openGitHub(credential, { repository, askedBy }) {
            if (credential === null) throw needsCredentials()
            const use = { kind: 'github', repository } as const
            const { token, apiUrl } = await open(use, { credential, askedBy })
            return createOctokitGitHub({ apiUrl, credential: { kind: 'token', token }, version })
          },
        }),
        filesystem: notHere,
      },
      signingKey: publicKey === null ? null : createRemoteSigner(client, { claim, publicKey }),
    }
  }
  return {
    openPlaces,
    objects,
    artifactLimitBytes: settings.artifact_limit_bytes,
    serverPublishers: settings.publishers,
    builder: { id: settings.builder, version },
    findSyft: () => findTool('syft'),
  } satisfies Partial<WorkerDeps>
}

function needsCredentials(): AppError {
  return new AppError(
    'invalid_request',
    'It names no credentials, and a worker on another machine does not get those of the server: the publisher has to name some',
  )
}

/** Whoever looks for the file looks at the server. */
const notHere: Publisher = {
  async publish() {
    throw new AppError(
      'invalid_request',
      'A worker on another machine has no directories of the server: leave jobs of type artifact to the server’s own (SLIPWAY_WORKER_TYPES)',
    )
  },
}
