import {
  ListWorkersQuery,
  ListWorkersResponse,
  RegisteredWorker,
  RegisterWorkerRequest,
  RenewWorkerRequest,
  Worker,
  WorkerParams,
  type WorkerSettings,
} from '@slipway/contract/worker-api'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  admitWorker,
  type AdmitDeps,
  drainWorker,
  listWorkers,
  releaseWorker,
  renewWorker,
  requireOwnWorker,
  type WorkerSignals,
  type WorkLedger,
} from '../../../jobs/index.ts'
import { refusals } from '../refusals.ts'

export interface WorkerRoutesDeps {
  /** The ledger, and what this server is. */
  workerLedger: AdmitDeps
  /** What workers do to it. */
  workLedger: WorkLedger
  workerSignals: WorkerSignals
  /** What a worker of another machine has to know of this server; asked for once it listens. */
  workerSettings: () => WorkerSettings
}

const tags = ['Workers']

/** Who works, and the coming and going of workers on other machines. */
export function workerRoutes(deps: WorkerRoutesDeps): FastifyPluginAsync {
  const { workerLedger: ledger, workerSignals: signals, workerSettings: settings } = deps
  return async (app) => {
    app.get<{ Querystring: ListWorkersQuery }>(
      '/workers',
      {
        schema: {
          operationId: 'listWorkers',
          tags,
          summary: 'List the workers',
          description:
            'Newest first: those inside of servers, and those on other machines. One that is silent for 90 seconds is forgotten.',
          querystring: ListWorkersQuery,
          response: { 200: ListWorkersResponse },
        },
      },
      async ({ query }) => {
        const { limit = 20, offset = 0 } = query
        return listWorkers(ledger, { limit, offset })
      },
    )

    app.post<{ Params: WorkerParams }>(
      '/workers/:id/drain',
      {
        schema: {
          operationId: 'drainWorker',
          tags,
          summary: 'Have a worker take no new jobs',
          description:
            'What it has in hand it ends. A worker on another machine ends itself then; one inside of a server takes jobs again when the server is started anew. Repeating it changes nothing.',
          params: WorkerParams,
          response: { 200: Worker, ...refusals({ 404: 'There is no such worker.' }) },
        },
      },
      async ({ params }) => {
        const worker = await drainWorker(ledger, { workerId: params.id })
        signals.drain(params.id)
        return worker
      },
    )

    app.post<{ Body: RegisterWorkerRequest }>(
      '/workers',
      {
        schema: {
          hide: true,
          body: RegisterWorkerRequest,
          response: { 201: RegisteredWorker },
        },
      },
      async ({ principal, body }, reply) => {
        const registration = await admitWorker(ledger, { principal, worker: body })
        return reply.code(201).send({ ...registration, server_version: ledger.serverVersion })
      },
    )

    app.put<{ Params: WorkerParams; Body: RenewWorkerRequest }>(
      '/workers/:id',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          body: RenewWorkerRequest,
          response: { 200: RegisteredWorker },
        },
      },
      async ({ principal, params, body }) => {
        const worker = { id: params.id, ...body }
        const registration = await renewWorker(ledger, { principal, worker })
        return { ...registration, server_version: ledger.serverVersion }
      },
    )

    app.delete<{ Params: WorkerParams }>(
      '/workers/:id',
      { schema: { hide: true, params: WorkerParams, response: { 204: Type.Null() } } },
      async ({ principal, params }, reply) => {
        const workerId = params.id
        await requireOwnWorker(ledger, { principal, workerId })
        await releaseWorker(ledger, { workerId })
        return reply.code(204).send()
      },
    )

    app.get<{ Params: WorkerParams }>(
      '/workers/:id/settings',
      { schema: { hide: true, params: WorkerParams } },
      async ({ principal, params }): Promise<WorkerSettings> => {
        await requireOwnWorker(ledger, { principal, workerId: params.id })
        return settings()
      },
    )
  }
}
