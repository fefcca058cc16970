import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { OpenAPIV3_1 } from 'openapi-types'
import { describeOperation, securitySchemes, unwrapReferences } from './describe-operation.ts'

const tags = [
  { name: 'Runs', description: 'Take a commit through its phases, tasks and steps.' },
  { name: 'Events', description: 'Follow what happens.' },
  { name: 'Workers', description: 'What workers report.' },
  { name: 'Access', description: 'Tokens, tickets and the audit log.' },
  { name: 'Health', description: 'Whether the server is well.' },
]

/** Collects the routes that are added from here on; `GET /openapi.json` shows them. */
export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
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
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema['$id'] === 'string' ? schema['$id'] : `Schema${index}`,
    },
    transform: ({ schema, url, route }) => ({
      url,
      schema: describeOperation({
        method: [route.method].flat()[0] ?? 'GET',
        guard: route.config?.guard ?? 'authenticated',
        schema,
      }),
    }),
    transformObject: (document) =>
      unwrapReferences('openapiObject' in document ? document.openapiObject : {}) as OpenAPIV3_1.Document,
  })
}
