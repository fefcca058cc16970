import type { Readable } from 'node:stream'
import { GithubDeliveryAnswer } from '@slipway/contract/github'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { AppError } from '../../../errors.ts'
import {
  type GithubDeps,
  githubPrincipal,
  receiveDelivery,
  requireWebhook,
} from '../../../github/index.ts'
import { setPrincipal } from '../../principal.ts'
import { refusals } from '../refusals.ts'
import { createLargeBodyReader } from './read-large-bodies.ts'

export interface GithubWebhookDeps {
  github: GithubDeps
}

/**
 * No delivery of GitHub's has more than 25 MB, and few have more than some kilobytes. Whose a delivery is
 * shows only when all of it is here, so what strangers send must not fill the memory.
 */
const limits = { mostBytes: 25 * 1024 * 1024, smallBytes: 256 * 1024, largeAtOnce: 4 }

/** `POST /v1/webhooks/github`: what happens at GitHub, as GitHub tells it. */
export function githubWebhookRoutes(deps: GithubWebhookDeps): FastifyPluginAsync {
  return async (app) => {
    takeRawBodies(app)
    addRoute(app, deps, { path: '/webhooks/github', operationId: 'receiveGithubDelivery' })
  }
}

/** The same under the paths of the other families, which say errors in the same way here. */
export function githubWebhookAliases(deps: GithubWebhookDeps): FastifyPluginAsync {
  return async (app) => {
    takeRawBodies(app)
    addRoute(app, deps, {
      path: '/api/v2/webhooks/github',
      operationId: 'receiveGithubDeliveryOfPipelines',
    })
    addRoute(app, deps, {
      path: '/api/webhooks/github',
      operationId: 'receiveGithubDeliveryOfBuilds',
    })
  }
}

/** The signature is of the bytes as they came. */
function takeRawBodies(app: FastifyInstance): void {
  const read = createLargeBodyReader(limits)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/x-www-form-urlencoded'],
    (_request: FastifyRequest, payload: Readable) => read(payload),
  )
}

function addRoute(
  app: FastifyInstance,
  { github }: GithubWebhookDeps,
  { path, operationId }: { path: string; operationId: string },
): void {
  app.post(
    path,
    {
      schema: {
        operationId,
        tags: ['GitHub'],
        summary: 'Take a delivery of GitHub’s webhook',
        description:
          'Signed by `X-Hub-Signature-256` instead of a token; up to 25 MB, as JSON or as a form. It is answered when it is stored, and acted on later.',
        response: {
          200: GithubDeliveryAnswer,
          202: GithubDeliveryAnswer,
          ...refusals({
            400: 'It cannot be read.',
            401: 'It is not signed with our secret.',
            413: 'It is larger than 25 MB.',
            415: 'It is neither JSON nor a form.',
            500: 'Something went wrong on our side.',
            503: 'No secret for deliveries is set, or too many large ones come at once.',
          }),
        },
      },
      // Before the body is read: strangers are not to send 25 MB.
      onRequest: async (request) => {
        requireWebhook(github)
        if (headerOf(request, 'x-hub-signature-256') === undefined) {
          throw new AppError('authentication_failed', 'This needs X-Hub-Signature-256')
        }
      },
    },
    async (request, reply) => {
      const answer = await receiveDelivery(github, {
        event: headerOf(request, 'x-github-event'),
        deliveryId: headerOf(request, 'x-github-delivery'),
        signature: headerOf(request, 'x-hub-signature-256'),
        contentType: headerOf(request, 'content-type'),
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      })
      setPrincipal(request, githubPrincipal)
      return reply.code(answer.status === 'accepted' ? 202 : 200).send(answer)
    },
  )
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
