import { ListAuditQuery, ListAuditResponse } from '@slipway/contract/access'
import type { FastifyPluginAsync } from 'fastify'
import type { Kysely } from 'kysely'
import { listAudit } from '../../../access/index.ts'
import type { Tables } from '../../../db/tables.gen.ts'

export interface AuditRoutesDeps {
  db: Kysely<Tables>
}

/** `/v1/audit`: what was changed, and what somebody tried to change. */
export function auditRoutes(deps: AuditRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Querystring: ListAuditQuery }>(
      '/audit',
      {
        schema: {
          operationId: 'listAudit',
          tags: ['Access'],
          summary: 'Read the audit log',
          description:
            'Newest first; `before` takes the id of the last entry seen. Needs a token that is not limited to repositories.',
          querystring: ListAuditQuery,
          response: { 200: ListAuditResponse },
        },
      },
      async ({ principal, query }) => {
        const { before = null, search, limit = 20 } = query
        return listAudit(deps, { principal, before, search, limit })
      },
    )
  }
}
