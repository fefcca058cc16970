import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import { BuildApiError } from '@slipway/contract/build-errors'
import { PlatformError } from '@slipway/contract/errors'
import { StatusError } from '@slipway/contract/pipelines'
import { RunnerApiError } from '@slipway/contract/runner-answers'
import type { FastifyInstance } from 'fastify'
import { isOfRunnerFamily } from '../runners/plugin.ts'
import { describeOperation, securitySchemes } from './describe-operation.ts'
import { collectNamedSchemas } from './named-schemas.ts'

const tags = [
  { name: 'Pipelines', description: 'Watch GitHub Actions, and start its workflows.' },
  { name: 'Runs', description: 'Take a commit through its phases, tasks and steps.' },
  { name: 'Releases', description: 'Number, name and find what is fit to be deployed.' },
  { name: 'Deployments', description: 'Bring releases into environments, and back.' },
  { name: 'Approvals', description: 'Environments, and who lets releases go there.' },
  { name: 'Overview', description: 'What goes across repositories.' },
  { name: 'Batch', description: 'One call for many.' },
  { name: 'Events', description: 'Follow what happens.' },
  { name: 'Search', description: 'Find runs, releases and lines of logs.' },
  { name: 'Webhooks', description: 'Send what happens to others.' },
  { name: 'GitHub', description: 'Hear of pushes and pull requests, and let forks run.' },
  { name: 'Secrets', description: 'Give steps what nobody else is shown.' },
  { name: 'Credentials', description: 'Logins of Git remotes and registries.' },
  { name: 'Container registries', description: 'Where builds push their images to.' },
  { name: 'Builds', description: 'Make packages and images of Git repositories.' },
  { name: 'Repositories', description: 'Where repositories are, and how to get in.' },
  { name: 'Branding', description: 'Dress builds in names, texts and files of one’s own.' },
  { name: 'Configurations', description: 'Put settings into files of builds.' },
  { name: 'Delegated jobs', description: 'Jobs of GitHub Actions in ephemeral containers.' },
  { name: 'Runners', description: 'Who takes jobs, and what classes there are.' },
  { name: 'Workers', description: 'What workers report.' },
  { name: 'Access', description: 'Tokens, tickets and the audit log.' },
  { name: 'Retention', description: 'How long what is over is kept.' },
  { name: 'Health', description: 'Whether the server is well.' },
]

/** Collects the routes that are added from here on; `GET /openapi.json` shows them. */
export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  const named = collectNamedSchemas()
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Slipway',
        version,
        description: 'Watch, build, run, release, deploy.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as { name: string },
      },
      tags,
      components: { securitySchemes },
    },
    transform: ({ schema, url, route }) => ({
      url,
      schema: describeOperation(
        {
          method: [route.method].flat()[0] ?? 'GET',
          guard: route.config?.guard ?? 'authenticated',
          schema,
          error: errorOf(url),
        },
        named.refer,
      ),
    }),
    transformObject: (document) =>
      named.finish(
        'openapiObject' in document ? document.openapiObject : {},
      ) as ReturnType<SwaggerTransformObject>,
  })
}

/** The error body of the family that a path belongs to. */
function errorOf(url: string): object {
  if (url === '/api/metrics') return PlatformError
  if (url.startsWith('/api/v2/pipelines/')) return StatusError
  if (isOfRunnerFamily(url)) return RunnerApiError
  return url.startsWith('/api/') ? BuildApiError : PlatformError
}
