import type { PlatformError } from '@slipway/contract/errors'
import type { CreateReleaseResponse, Release } from '@slipway/contract/releases'
import type { LightMyRequestResponse } from 'fastify'
import type { ReleasesApp } from './releases-app.ts'

/** The document's repository, and a project of it. */
export const repositoryName = 'mycompany/myrepo'
export const projectName = 'api'

const digest = `sha256:${'d'.repeat(64)}`

/** An artifact as the document has it. */
export const image = {
  name: 'image',
  type: 'container',
  tracking_oci_uri: 'registry.test/mycompany/myrepo/api/image:sha-1',
  primary_published_uri: `registry.test/mycompany/myrepo/api/image@${digest}`,
}

/** Of a project file: that image, and a manifest that refers to it. */
export const withImage = {
  artifacts: { image: { type: 'container', producer: { action: 'docker-build' } } },
  deploy: {
    resources: [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'api' },
        spec: { image: { $artifact: { name: 'image', field: 'image' } } },
      },
    ],
  },
}

/** Calls of the API with what is the same in most of them. */
export interface ReleaseCalls {
  /** A commit whose project can be released by hand; `change` of its project file. */
  commit(change?: object): Promise<string>
  create(body: object, token?: string): Promise<LightMyRequestResponse>
  /** The same, and it is a release. */
  created(body: object, token?: string): Promise<CreateReleaseResponse>
  /** `path` below /v1/releases/. */
  get(path: string): Promise<Release>
}

export async function releaseCalls(app: ReleasesApp): Promise<ReleaseCalls> {
  const repository = await app.createRepository(repositoryName)
  const create: ReleaseCalls['create'] = (body, token) =>
    app.request('POST', '/v1/releases', {
      body: { repository: repositoryName, project: projectName, artifacts: [], ...body },
      ...(token === undefined ? {} : { token }),
    })
  return {
    create,
    commit: (change = {}) =>
      repository.commit({
        '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: {} }),
        '.forge/project.json': JSON.stringify({
          name: projectName,
          release: { on: [{ manual: true }] },
          ...change,
        }),
      }),
    async created(body, token) {
      const answer = await create(body, token)
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return answer.json()
    },
    async get(path) {
      const answer = await app.request('GET', `/v1/releases/${path}`)
      if (answer.statusCode !== 200) throw new Error(answer.body)
      return answer.json()
    },
  }
}

/** Status and body of an answer that refuses. */
export function refusalOf(
  answer: LightMyRequestResponse,
): { status: number } & PlatformError['error'] {
  return { status: answer.statusCode, ...answer.json<PlatformError>().error }
}
