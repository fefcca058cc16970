import { CreatedTicket } from '@slipway/contract/access'
import type { FastifyPluginAsync } from 'fastify'
import type { Kysely } from 'kysely'
import { createTicket } from '../../../access/index.ts'
import type { Tables } from '../../../db/tables.gen.ts'

export interface TicketRoutesDeps {
  db: Kysely<Tables>
}

/** `/v1/tickets`: for links and sockets that cannot carry a header. */
export function ticketRoutes(deps: TicketRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.post(
      '/tickets',
      {
        schema: {
          operationId: 'createTicket',
          tags: ['Access'],
          summary: 'Make a ticket',
          description:
            'It stands for the caller’s token on one GET request, once, within a minute: ?ticket=….',
          response: { 201: CreatedTicket },
        },
      },
      async ({ principal }, reply) => {
        const ticket = await createTicket(deps, { principal })
        return reply.code(201).header('cache-control', 'no-store').send(ticket)
      },
    )
  }
}
