import { join } from 'node:path'
import { findTool } from '../adapters/executor/process/find-tool.ts'
import { createOctokitGitHub } from '../adapters/github/octokit/create-octokit-github.ts'
import { createFilesystemPublisher } from '../adapters/publisher/filesystem/create-filesystem-publisher.ts'
import { createGithubPublisher } from '../adapters/publisher/github/create-github-publisher.ts'
import { createNpmPublisher } from '../adapters/publisher/npm/create-npm-publisher.ts'
import {
  createHomePublisher,
  createOciPublisher,
} from '../adapters/publisher/oci/create-oci-publisher.ts'
import { createS3Publisher } from '../adapters/publisher/s3/create-s3-publisher.ts'
import type { Config } from '../config/read-config.ts'
import { type CredentialsDeps, readCredential } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import type { GitHub } from '../ports/github.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Registries } from '../ports/registry.ts'
import { loadSigningKey, type SigningKey } from '../signing/index.ts'
import type { WorkerDeps } from '../worker/index.ts'

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
  return {
    objects,
    artifactLimitBytes: config.artifacts.limitBytes,
    registries,
    homePublisher: createHomePublisher({ registries }),
    publishers: {
      oci: createOciPublisher({ registries }),
      s3: createS3Publisher({ openKeys: (name) => openAwsKeys(credentials, name) }),
      npm: createNpmPublisher({
        scratchDirectory: join(config.dataDir, 'work', 'npm'),
        openToken: (name, registry) => openToken(credentials, name, registry),
      }),
      github: createGithubPublisher({
        openGitHub: (name) => openGitHub({ credentials, version, ...github }, name),
      }),
      filesystem: createFilesystemPublisher(),
    },
    serverPublishers: config.publishers,
    signingKey,
    builder: { id: config.http.publicUrl ?? 'urn:slipway:server', version },
    findSyft: () => findTool('syft'),
  } satisfies Partial<WorkerDeps>
}

/** The keys of a credential for AWS, or a user name and password that stand for them. */
async function openAwsKeys(deps: CredentialsDeps, name: string) {
  const { type, data } = await readCredential(deps, { name })
  if (type === 'registry_aws_ecr') {
    return { accessKeyId: data.aws_access_key_id, secretAccessKey: data.aws_secret_access_key }
  }
  if (type === 'registry_generic') {
    return { accessKeyId: data.username, secretAccessKey: data.password_or_token }
  }
  throw new AppError(
    'invalid_request',
    `The credential ${name} is of type ${type}; a bucket needs registry_aws_ecr or registry_generic`,
  )
}

/** GitHub with the token of a credential, or as the server's own. */
async function openGitHub(
  deps: {
    credentials: CredentialsDeps
    apiUrl: string
    own: GitHub | null
    version: string
  },
  name: string | null,
): Promise<GitHub> {
  if (name === null) {
    if (deps.own !== null) return deps.own
    throw new AppError(
      'invalid_request',
      'It names no credentials, and the server has no access to GitHub of its own',
    )
  }
  const { type, data } = await readCredential(deps.credentials, { name })
  if (type !== 'git_https') {
    throw new AppError(
      'invalid_request',
      `The credential ${name} is of type ${type}; GitHub needs git_https, with an access token`,
    )
  }
  const { apiUrl, version } = deps
  const credential = { kind: 'token', token: data.password_or_token } as const
  return createOctokitGitHub({ apiUrl, credential, version })
}

/** A token for one npm registry: a credential that names another one is not sent there. */
async function openToken(deps: CredentialsDeps, name: string, registry: string): Promise<string> {
  const { type, data } = await readCredential(deps, { name })
  if (type !== 'registry_generic') {
    throw new AppError(
      'invalid_request',
      `The credential ${name} is of type ${type}; an npm registry needs registry_generic`,
    )
  }
  const { registry_url: own, password_or_token: token } = data
  if (own !== undefined && hostOf(own) !== hostOf(registry)) {
    throw new AppError('authorization_failed', `The credential ${name} is not for ${registry}`)
  }
  return token
}

function hostOf(url: string): string {
  const full = /^https?:\/\//.test(url) ? url : `https://${url}`
  return URL.canParse(full) ? new URL(full).host : url
}
