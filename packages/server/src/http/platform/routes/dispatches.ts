import {
  CreateDispatchRequest,
  Dispatch,
  DispatchResult,
  GetDispatchQuery,
  ReportWorkflowRequest,
  ReportWorkflowResponse,
} from '@slipway/contract/dispatches'
import { Uuid } from '@slipway/contract/fields'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  answerDispatch,
  openResult,
  type OrchestrationDeps,
  readDispatchRow,
  reportWorkflow,
  waitForDispatch,
} from '../../../orchestration/index.ts'
import { parseStage, releaseStage } from '../../../runs/index.ts'
import { originOf } from '../../origin-of.ts'
import { openStreams } from './open-streams.ts'

export interface DispatchRoutesDeps {
  orchestration: OrchestrationDeps
  /** Aborts when the server begins to stop: whoever waits is answered, and comes back. */
  signal: AbortSignal
}

const RunParams = Type.Object({ id: Uuid })
const DispatchParams = Type.Object({ id: Uuid, dispatch_id: Uuid })
interface DispatchPath {
  Params: { id: string; dispatch_id: string }
}

/** Dispatchers of all runs may share one token. */
const limits = { perPrincipal: 5_000, total: 5_000 }

/** `/v1/runs/{id}/dispatches` and `…/workflow`: what the steps of a workflow ask. */
export function dispatchRoutes(deps: DispatchRoutesDeps): FastifyPluginAsync {
  const { orchestration } = deps
  const open = openStreams(limits)
  return async (app) => {
    app.post<{ Params: { id: string }; Body: CreateDispatchRequest }>(
      '/runs/:id/dispatches',
      {
        schema: {
          operationId: 'createDispatch',
          tags: ['Workers'],
          summary: 'Let a stage of a run begin',
          description:
            'Its discovery, or a group of its phases with those before it. Asking again answers the same ' +
            'dispatch, with 200. What runs is decided by the run alone; a group whose turn has not come waits.',
          params: RunParams,
          body: CreateDispatchRequest,
          response: { 200: Dispatch, 201: Dispatch },
        },
      },
      async (request, reply) => {
        const { principal, params, body } = request
        const stage = parseStage(body.stage)
        const runId = params.id
        const { id, created } = await releaseStage(orchestration, { principal, runId, stage })
        const row = await readDispatchRow(orchestration, { principal, runId, id })
        const dispatch = await answerDispatch(orchestration, row, linkTo(request))
        if (created) reply.code(201).header('location', `/v1/runs/${runId}/dispatches/${id}`)
        return reply.send(dispatch)
      },
    )

    app.get<DispatchPath & { Querystring: GetDispatchQuery }>(
      '/runs/:id/dispatches/:dispatch_id',
      {
        // A HEAD made of this GET would wait as well.
        exposeHeadRoute: false,
        schema: {
          operationId: 'getDispatch',
          tags: ['Workers'],
          summary: 'Wait for the end of a stage, and get what it came to',
          description:
            'Answers as soon as the stage has ended, at the latest after `wait` seconds. A result of more ' +
            'than 1 MB is referred to.',
          params: DispatchParams,
          querystring: GetDispatchQuery,
          response: { 200: Dispatch },
        },
      },
      async (request, reply) => {
        const { principal, params, query } = request
        const input = { principal, runId: params.id, id: params.dispatch_id }
        const row =
          query.wait === undefined || query.wait === 0
            ? await readDispatchRow(orchestration, input)
            : await wait(input, query.wait * 1000, reply)
        return answerDispatch(orchestration, row, linkTo(request))
      },
    )

    app.get<DispatchPath>(
      '/runs/:id/dispatches/:dispatch_id/result',
      {
        schema: {
          operationId: 'getDispatchResult',
          tags: ['Workers'],
          summary: 'Get what a stage came to, however large',
          params: DispatchParams,
          response: {
            200: {
              description: 'The result.',
              content: { 'application/json': { schema: DispatchResult } },
            },
          },
        },
      },
      async (request, reply) => {
        const { principal, params } = request
        const input = { principal, runId: params.id, id: params.dispatch_id }
        const body = await openResult(orchestration, input)
        return reply.type('application/json').send(body)
      },
    )

    app.put<{ Params: { id: string }; Body: ReportWorkflowRequest }>(
      '/runs/:id/workflow',
      {
        schema: {
          operationId: 'reportWorkflow',
          tags: ['Workers'],
          summary: 'Tell how the workflow of a run ended',
          description:
            'A run that has not ended by then fails: nobody will release what is left of it. Telling it again changes nothing.',
          params: RunParams,
          body: ReportWorkflowRequest,
          response: { 200: ReportWorkflowResponse },
        },
      },
      async ({ principal, params, body }) =>
        reportWorkflow(orchestration, { principal, runId: params.id, report: body }),
    )
  }

  async function wait(
    input: Parameters<typeof waitForDispatch>[1],
    ms: number,
    { raw }: FastifyReply,
  ) {
    const closed = new AbortController()
    const close = () => closed.abort()
    const done = open(input.principal.id)
    raw.once('close', close)
    const signal = AbortSignal.any([deps.signal, closed.signal, AbortSignal.timeout(ms)])
    try {
      return await waitForDispatch(orchestration, input, signal)
    } finally {
      raw.off('close', close)
      done()
    }
  }
}

/** Where a result can be had, as the caller reaches the server. */
function linkTo(request: FastifyRequest): Parameters<typeof answerDispatch>[2] {
  return ({ runId, id }) => `${originOf(request)}/v1/runs/${runId}/dispatches/${id}/result`
}
