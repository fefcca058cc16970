import type { FastifyPluginAsync } from 'fastify'
import { AppError } from '../../errors.ts'
import type { DashboardFiles } from './dashboard-files.ts'
import { sendFile } from './send-file.ts'

/** The manual's pages bring all they need, and start nothing. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The manual at `/help/`, open to everybody. Null: it has not been built. */
export function helpPlugin(files: DashboardFiles | null): FastifyPluginAsync {
  return async (app) => {
    app.get('/help', { schema: { hide: true } }, async (_request, reply) =>
      reply.redirect('/help/'),
    )
    app.get<{ Params: { '*': string } }>(
      '/help/*',
      { schema: { hide: true } },
      async (request, reply) => {
        if (files === null) {
          throw new AppError(
            'resource_not_found',
            'The manual has not been built: `npm run build` does it.',
          )
        }
        const path = request.params['*']
        const name = path === '' || path.endsWith('/') ? `${path}index.html` : path
        const file = files.byName.get(name)
        if (file === undefined) {
          throw new AppError('resource_not_found', `There is no page ${name} in the manual`)
        }
        reply.header('content-security-policy', policy).header('cache-control', 'no-cache')
        return sendFile(file, request, reply)
      },
    )
  }
}
