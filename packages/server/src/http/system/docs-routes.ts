import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyPluginAsync } from 'fastify'
import { AppError } from '../../errors.ts'

/** Everything a page of documentation needs comes from here; styles are set by its script. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slipway API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

const start = `window.SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'list',
  validatorUrl: null,
  persistAuthorization: false,
})
`

/** Files of Swagger UI, as its Fastify package brings them; that package itself is not loaded. */
const files: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** `/docs`: the OpenAPI document, for people. */
export const docsRoutes: FastifyPluginAsync = async (app) => {
  app.get('/docs', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', contentSecurityPolicy)
      .send(page),
  )

  app.get<{ Params: { file: string } }>(
    '/docs/:file',
    { schema: { hide: true } },
    async ({ params: { file } }, reply) => {
      if (file === 'start.js') return reply.type('text/javascript; charset=utf-8').send(start)
      const type = Object.hasOwn(files, file) ? files[file] : undefined
      if (type === undefined) throw new AppError('resource_not_found', `There is no file ${file}`)
      const path = fileURLToPath(import.meta.resolve(`@fastify/swagger-ui/static/${file}`))
      const { size } = await stat(path)
      return reply
        .type(type)
        .header('content-length', size)
        .header('cache-control', 'public, max-age=86400')
        .send(createReadStream(path))
    },
  )
}
