import rateLimit from '@fastify/rate-limit'
import type { Health } from '@slipway/contract/health'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { AuditLog } from '../access/index.ts'
import type { Tracer } from '../correlation.ts'
import { answerBrokenRequest } from './answer-broken-request.ts'
import { createAnswerWithoutRoute } from './answer-without-route.ts'
import { longestRequestMs } from './limit-request-time.ts'
import { createAuditHooks, isChange } from './audit-changes.ts'
import { correlateRequests } from './correlate-requests.ts'
import { type AuthenticateDeps, createGate } from './authenticate.ts'
import { type BuildsDeps, buildsPlugin } from './builds/plugin.ts'
import { gitPlugin } from './git/plugin.ts'
import { type OciPluginDeps, ociPlugin } from './oci/plugin.ts'
import type { Metrics } from '../metrics/index.ts'
import { type McpPluginDeps, mcpPlugin } from './mcp/plugin.ts'
import { openApiRoute } from './openapi/openapi-route.ts'
import { registerOpenApi } from './openapi/register-openapi.ts'
import { answerErrors } from './platform/answer-errors.ts'
import { type PlatformDeps, platformPlugin } from './platform/plugin.ts'
import { githubWebhookAliases } from './platform/routes/github-webhook.ts'
import { decoratePrincipal } from './principal.ts'
import {
  type RateLimiter,
  type RateLimits,
  createAddressLimiter,
  createRateLimiter,
  defaultRateLimits,
} from './rate-limits.ts'
import { pathOf, redactUrl } from './redact-url.ts'
import { requestId } from './request-id.ts'
import { rewriteRepositoryPath } from './rewrite-repository-path.ts'
import { listRoutes } from './route-list.ts'
import { routeGuards } from './route-permissions.ts'
import { isOfRunnerFamily, type RunnerFamilyDeps, runnerFamilyPlugin } from './runners/plugin.ts'
import { type StatusDeps, statusPlugin } from './status/plugin.ts'
import { upgradeOptions } from './upgrade-options.ts'
import { docsRoutes } from './system/docs-routes.ts'
import { healthRoutes } from './system/health-routes.ts'
import { metricsRoutes } from './system/metrics-routes.ts'
import { type AnswerPolling, socketIoRoutes } from './system/socket-io-routes.ts'
import type { DashboardFiles } from './web/dashboard-files.ts'
import { helpPlugin } from './web/help-plugin.ts'
import { sendMissingPage, webPlugin } from './web/plugin.ts'
import { createValidatorCompiler } from './validate-input.ts'

/** Bytes (API & Operations Reference, "Request Size Limits"). */
const bodyLimit = 10 * 1024 * 1024

export interface HttpServerDeps extends Omit<AuthenticateDeps, 'rateLimiter'> {
  log: Logger
  /** Shown in the OpenAPI document. */
  version: string
  /** Whose X-Forwarded-* headers are believed; as in the settings. */
  trustProxy: boolean | string[]
  audit: AuditLog
  checkHealth: () => Promise<Health>
  isReady: () => boolean
  /** Default: `defaultRateLimits`. */
  rateLimits?: RateLimits
  /** Of `/api/jobs` and `/api/runners`: requests of one address. Default: 100 in 15 minutes. */
  runnerRateLimit?: { max: number; windowMs: number }
  platform: PlatformDeps
  builds: BuildsDeps
  runners: Omit<RunnerFamilyDeps, 'version'>
  status: StatusDeps
  oci: OciPluginDeps
  /** Default: nothing is counted. */
  metrics?: Metrics
  /** Default: nothing is traced. */
  tracer?: Tracer | null
  /** Default: there is no dashboard. */
  dashboard?: DashboardFiles | null
  /** Default: there is no manual. */
  help?: DashboardFiles | null
  /** Default: there are no sockets. */
  answerPolling?: AnswerPolling
  /** Default: nobody has said where the server is reached from elsewhere. */
  mcp?: Omit<McpPluginDeps, 'version'>
}

/** The whole application over HTTP, ready to be listened with; its caller closes it. */
export async function createHttpServer(deps: HttpServerDeps): Promise<FastifyInstance> {
  let limiters: { builds: RateLimiter; runners: RateLimiter } | null = null
  const app = createApp(deps, () => limiters)
  decoratePrincipal(app)
  app.setValidatorCompiler(createValidatorCompiler())
  takeOnlyJson(app)
  correlateRequests(app, deps.tracer ?? null)
  addCommonHeaders(app)
  logRequests(app, deps.log)
  if (deps.metrics !== undefined) countRequests(app, deps.metrics)

  await app.register(rateLimit, { global: false })
  const rateLimiter = createRateLimiter(app, deps.rateLimits ?? defaultRateLimits)
  const runnerLimit = deps.runnerRateLimit ?? { max: 100, windowMs: 900_000 }
  const runnerLimiter = createAddressLimiter(app, runnerLimit, rateLimiter)
  limiters = { builds: rateLimiter, runners: runnerLimiter }
  const routes = listRoutes(app, routeGuards, (route, { method, url, guard }) => {
    const counting = isOfRunnerFamily(url) ? runnerLimiter : rateLimiter
    // A client of MCP is a program; its calls are requests of their own, to which no cookie goes along.
    const gate = createGate({ ...deps, rateLimiter: counting }, guard, url !== '/mcp')
    if (gate !== null) route.onRequest = [gate, ...[route.onRequest ?? []].flat()]
    if (isChange(method, url)) {
      const audit = createAuditHooks({ ...deps, rateLimiter }, `${method} ${url}`)
      route.onRequest = [audit.onRequest, ...[route.onRequest ?? []].flat()]
      route.onSend = [audit.onSend, ...[route.onSend ?? []].flat()]
    }
  })
  await registerOpenApi(app, deps.version)

  answerErrors(app, routes, (what) => sendMissingPage(deps.dashboard ?? null, what))
  await app.register(healthRoutes(deps))
  await app.register(metricsRoutes(deps.metrics ?? nothing))
  await app.register(openApiRoute)
  await app.register(docsRoutes)
  await app.register(webPlugin(deps.dashboard ?? null))
  await app.register(helpPlugin(deps.help ?? null))
  await app.register(socketIoRoutes(deps.answerPolling ?? null))
  await app.register(platformPlugin(deps.platform, routes), { prefix: '/v1' })
  await app.register(githubWebhookAliases(deps.platform))
  await app.register(gitPlugin(deps.platform), { prefix: '/git' })
  await app.register(ociPlugin(deps.oci), { prefix: '/v2' })
  await app.register(buildsPlugin(deps.builds, routes, rateLimiter), { prefix: '/api' })
  const { runners, version } = deps
  const runnerFamily = runnerFamilyPlugin({ ...runners, version }, routes, runnerLimiter)
  await app.register(runnerFamily, { prefix: '/api' })
  await app.register(statusPlugin(deps.status, routes), { prefix: '/api/v2/pipelines' })
  await app.register(mcpPlugin({ publicUrl: null, ...deps.mcp, version: deps.version }, routes))
  await app.ready()
  return app
}

function createApp(
  deps: HttpServerDeps,
  limiters: Parameters<typeof createAnswerWithoutRoute>[1],
): FastifyInstance {
  const log: FastifyBaseLogger = deps.log.child({}, { serializers: { req: describeRequest } })
  return Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => requestId(request),
    // Every line has the id of its request anyway: correlateRequests.
    childLoggerFactory: (logger) => logger,
    rewriteUrl: (request) => rewriteRepositoryPath(request.url ?? '/'),
    trustProxy: deps.trustProxy,
    bodyLimit,
    http: upgradeOptions,
    requestTimeout: longestRequestMs,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: createAnswerWithoutRoute(deps.version, limiters),
    clientErrorHandler: answerBrokenRequest,
  })
}

/** What is in a log about a request: never its headers, never a credential in its URL. */
function describeRequest(request: { method?: string; url?: string }): object {
  return { method: request.method, url: redactUrl(request.url ?? '') }
}

/** JSON is the only kind of body. An empty one is none, whatever its content type says. */
function takeOnlyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null)
    else void parse(request, body as string, done)
  })
}

function addCommonHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    void reply
      .header('x-request-id', request.id)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
    done()
  })
}

/** What is shown where nothing is counted. */
const nothing = { contentType: 'text/plain; charset=utf-8', scrape: async () => '' }

function countRequests(app: FastifyInstance, { requests }: Metrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    requests.answered({
      method: request.method,
      route: (request.is404 ? undefined : request.routeOptions.url) ?? 'none',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    })
    done()
  })
}

function logRequests(app: FastifyInstance, log: Logger): void {
  if (!log.isLevelEnabled('debug')) return
  app.addHook('onResponse', (request, reply, done) => {
    const { id, method, url } = request
    const ms = Math.round(reply.elapsedTime)
    log.debug(
      { request_id: id, method, path: pathOf(url), status: reply.statusCode, ms },
      'Answered',
    )
    done()
  })
}
