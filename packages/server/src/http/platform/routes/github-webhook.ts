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
import { sendError } from '../answer-errors.ts'
import { refusals } from '../refusals.ts'

export interface GithubWebhookDeps {
  github: GithubDeps
}

/** Bytes: no delivery of GitHub's is larger. */
const bodyLimit = 25 * 1024 * 1024

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
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/x-www-form-urlencoded'],
    { parseAs: 'buffer', bodyLimit },
    (_request, body, done) => done(null, body),
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
      bodyLimit,
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
            503: 'No secret for deliveries is set.',
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
      errorHandler: (error, request, reply) =>
        void sendError(
          error.code === 'FST_ERR_CTP_BODY_TOO_LARGE'
            ? new AppError('payload_too_large', 'The body is larger than 25 MB')
            : error,
          request,
          reply,
        ),
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
