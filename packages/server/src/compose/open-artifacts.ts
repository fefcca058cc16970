import { join } from 'node:path'
import { findTool } from '../adapters/executor/process/find-tool.ts'
import { createFilesystemPublisher } from '../adapters/publisher/filesystem/create-filesystem-publisher.ts'
import { createGithubPublisher } from '../adapters/publisher/github/create-github-publisher.ts'
import { createNpmPublisher } from '../adapters/publisher/npm/create-npm-publisher.ts'
import {
  createHomePublisher,
  createOciPublisher,
} from '../adapters/publisher/oci/create-oci-publisher.ts'
import { createS3Publisher } from '../adapters/publisher/s3/create-s3-publisher.ts'
import type { Config } from '../config/read-config.ts'
import type { CredentialsDeps } from '../credentials/index.ts'
import type { GitHub } from '../ports/github.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Registries } from '../ports/registry.ts'
import { loadSigningKey, type SigningKey } from '../signing/index.ts'
import type { WorkerDeps } from '../worker/index.ts'
import { openAwsKeys, openGitHub, openNpmToken } from './open-publisher-logins.ts'

/** The key that signs artifacts and releases; null where none is configured. */
export async function openSigningKey({ artifacts }: Config): Promise<SigningKey | null> {
  const { signingKeyPath: path, signingKeyPassword: password } = artifacts
  return path === null ? null : loadSigningKey({ path, password })
}

/** What workers make and publish artifacts with. */
export function openArtifacts(
  config: Config,
  opened: {
    objects: ObjectStore
    registries: Registries
    credentials: CredentialsDeps
    signingKey: SigningKey | null
    /** GitHub's API, and who asks it for publishers without credentials; null: nobody. */
    github?: { apiUrl: string; own: GitHub | null }
    version: string
  },
) {
  const { objects, registries, credentials, signingKey, version } = opened
  const github = opened.github ?? { apiUrl: 'https://api.github.com', own: null }
  const places = {
    registries,
    homePublisher: createHomePublisher({ registries }),
    publishers: {
      oci: createOciPublisher({ registries }),
      s3: createS3Publisher({
        openKeys: (name, use) => openAwsKeys(credentials, { name, ...use }),
      }),
      npm: createNpmPublisher({
        scratchDirectory: join(config.dataDir, 'work', 'npm'),
        openToken: (name, use) => openNpmToken(credentials, { name, ...use }),
      }),
      github: createGithubPublisher({
        openGitHub: (name, use) =>
          openGitHub({ credentials, version, ...github }, { name, ...use }),
      }),
      filesystem: createFilesystemPublisher(),
    },
    signingKey,
  }
  return {
    ...places,
    openPlaces: () => places,
    objects,
    artifactLimitBytes: config.artifacts.limitBytes,
    serverPublishers: config.publishers,
    builder: { id: config.http.publicUrl ?? 'urn:slipway:server', version },
    findSyft: () => findTool('syft'),
  } satisfies Partial<WorkerDeps>
}
