import type { Permission } from '../access/index.ts'

/**
 * What a route asks of its caller:
 * - `public`: nothing;
 * - `sign-in`: nothing, but an address may ask only so often;
 * - `authenticated`: any valid token;
 * - a permission: a token with a role that has it;
 * - `orSignedLink`: that, or a link of ours that names the path, has not expired and carries our signature;
 * - `challenge: 'basic'`: that, the token being a bearer token or, for clients that know passwords only, the
 *   password of any user. Refusals ask for the latter; their bodies are those of the part that has the route;
 * - `signedBy: 'server'`: the signature of another server of the same database, and no token;
 * - `orAnonymous: 'status'`: that, or no credential at all where SLIPWAY_ANONYMOUS_STATUS is true.
 */
export type RouteGuard =
  | 'public'
  | 'sign-in'
  | 'authenticated'
  | Permission
  | { signedBy: 'server' }
  | { permission: Permission; orSignedLink: true }
  | { permission: Permission; challenge: 'basic' }
  | { permission: Permission; orAnonymous: 'status' }

/** Every route there is. One without an entry here, or an entry without its route, stops the start. */
export const routeGuards: Readonly<Record<string, RouteGuard>> = {
  'GET /health': 'public',
  'GET /livez': 'public',
  'GET /readyz': 'public',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /docs/:file': 'public',

  'GET /': 'public',
  'GET /sign-in': 'public',
  'GET /repositories': 'public',
  'GET /repositories/*': 'public',
  'GET /runs/*': 'public',
  'GET /compare': 'public',
  'GET /board': 'public',
  'GET /releases/*': 'public',
  'GET /deployments/*': 'public',
  'GET /builds': 'public',
  'GET /builds/*': 'public',
  'GET /templates': 'public',
  'GET /templates/*': 'public',
  'GET /jobs': 'public',
  'GET /jobs/*': 'public',
  'GET /activity': 'public',
  'GET /settings': 'public',
  'GET /settings/*': 'public',
  'GET /assets/*': 'public',
  'GET /favicon.svg': 'public',
  'GET /theme.js': 'public',
  'GET /help': 'public',
  'GET /help/*': 'public',

  'POST /mcp': 'authenticated',

  // Whoever connects says within who they are.
  'GET /socket.io': 'public',
  'GET /socket.io/': 'public',
  'POST /socket.io': 'public',
  'POST /socket.io/': 'public',

  'GET /api/metrics': 'metrics:read',
  'GET /metrics': 'metrics:read',

  'POST /v1/runs': 'runs:create',
  'GET /v1/runs': 'runs:read',
  'GET /v1/runs/:id': 'runs:read',
  'DELETE /v1/runs/:id': 'runs:cancel',
  'POST /v1/runs/:id/dispatches': 'runs:dispatch',
  'GET /v1/runs/:id/dispatches/:dispatch_id': 'runs:dispatch',
  'GET /v1/runs/:id/dispatches/:dispatch_id/result': 'runs:dispatch',
  'PUT /v1/runs/:id/workflow': 'runs:dispatch',
  'PUT /v1/tasks/:id/status': 'workers:report',
  'PUT /v1/steps/:id/status': 'workers:report',
  'GET /v1/workers': 'workers:read',
  'POST /v1/workers/:id/drain': 'workers:manage',
  'POST /v1/workers': 'workers:work',
  'PUT /v1/workers/:id': 'workers:work',
  'DELETE /v1/workers/:id': 'workers:work',
  'GET /v1/workers/:id/settings': 'workers:work',
  'GET /v1/workers/:id/signals': 'workers:work',
  'POST /v1/workers/:id/claims': 'workers:work',
  'POST /v1/workers/:id/outcomes': 'workers:work',
  'GET /v1/workers/:id/jobs': 'workers:work',
  'POST /v1/workers/:id/queued': 'workers:work',
  'GET /v1/workers/:id/next-run': 'workers:work',
  'POST /v1/workers/:id/releases': 'workers:work',
  'POST /v1/workers/:id/returns': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/rejection': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/failure': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/expiry': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/discovery': 'workers:work',
  'GET /v1/workers/:id/jobs/:job_id/attempts/:attempt/repository': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/task': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/secrets': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/report': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/artifact': 'workers:work',
  'GET /v1/workers/:id/jobs/:job_id/attempts/:attempt/blobs/:digest': 'workers:work',
  'PUT /v1/workers/:id/jobs/:job_id/attempts/:attempt/blobs/:digest': 'workers:work',
  'GET /v1/workers/:id/jobs/:job_id/attempts/:attempt/manifest': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/manifest': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/publisher-login': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/signature': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/release': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/deployment': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/build': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/build/step': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/build/registry': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/build/result': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/delegation': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/delegation/configuration': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/delegation/not-started': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/delegation/running': 'workers:work',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/delegation/result': 'workers:work',
  'POST /v1/workers/:id/unfinished-delegations': 'workers:work',
  'POST /v1/workers/:id/unneeded-images': 'workers:work',
  'PUT /v1/workers/:id/logs': 'workers:work',
  'GET /v1/workers/:id/logs': 'workers:work',
  'POST /v1/workers/:id/logs/seal': 'workers:work',
  'PUT /v1/workers/:id/objects/*': 'workers:work',
  'GET /v1/workers/:id/objects/*': 'workers:work',
  'DELETE /v1/workers/:id/objects/*': 'workers:work',
  'GET /v1/servers/logs/stat': { signedBy: 'server' },
  'GET /v1/servers/logs/lines': { signedBy: 'server' },
  'GET /v1/servers/logs/bytes': { signedBy: 'server' },
  'GET /v1/servers/logs/end': { signedBy: 'server' },
  'GET /v1/servers/logs/whole': { signedBy: 'server' },
  'PUT /v1/servers/logs': { signedBy: 'server' },
  'POST /v1/servers/logs/seal': { signedBy: 'server' },
  'POST /v1/servers/logs/park': { signedBy: 'server' },
  'DELETE /v1/servers/logs': { signedBy: 'server' },
  'GET /v1/steps/:id/logs': { permission: 'logs:read', orSignedLink: true },
  'GET /v1/events': 'events:read',

  'POST /v1/releases': 'releases:create',
  'GET /v1/releases/:id': 'releases:read',
  'GET /v1/releases/:repo/:project': 'releases:read',
  'GET /v1/releases/:repo/:project/:release': 'releases:read',
  'PUT /v1/releases/:repo/:project/:release/aliases/:alias': 'releases:alias',
  'DELETE /v1/releases/:repo/:project/:release/aliases/:alias': 'releases:alias',

  'GET /v1/search': 'search:read',

  'GET /v1/environments': 'environments:read',
  'POST /v1/deployments': 'deployments:create',
  'POST /v1/deployments/preview': 'deployments:read',
  'GET /v1/deployments': 'deployments:read',
  'GET /v1/deployments/:id': 'deployments:read',
  'PUT /v1/deployments/:id/status': 'deployments:report',
  'GET /v1/deployments/:environment/:repo/:project': 'deployments:read',
  'GET /v1/deployments/:environment/:repo/:project/history': 'deployments:read',
  'GET /git/gitops.git/info/refs': { permission: 'gitops:read', challenge: 'basic' },
  'POST /git/gitops.git/git-upload-pack': { permission: 'gitops:read', challenge: 'basic' },

  'GET /v2/': { permission: 'registry:pull', challenge: 'basic' },
  'GET /v2/*': { permission: 'registry:pull', challenge: 'basic' },
  'POST /v2/*': { permission: 'registry:pull', challenge: 'basic' },
  'PUT /v2/*': { permission: 'registry:pull', challenge: 'basic' },
  'PATCH /v2/*': { permission: 'registry:pull', challenge: 'basic' },
  'DELETE /v2/*': { permission: 'registry:pull', challenge: 'basic' },

  'GET /v1/overview/repositories': 'runs:read',
  'GET /v1/overview/red': 'runs:read',
  'GET /v1/overview/waiting': 'runs:read',
  'GET /v1/board': 'deployments:read',
  'GET /v1/approvals/waiting': 'approvals:read',
  'GET /v1/approvals': 'approvals:read',
  'POST /v1/approvals': 'approvals:create',
  'GET /v1/approvals/:release_id/:environment': 'approvals:read',
  'DELETE /v1/approvals/:id': 'approvals:create',
  'POST /v1/batch/cancel': 'runs:cancel',
  'POST /v1/batch/approve': 'approvals:create',
  'POST /v1/batch/promote': 'deployments:create',

  'POST /v1/webhooks': 'webhooks:manage',
  'GET /v1/webhooks': 'webhooks:read',
  'GET /v1/webhooks/:id': 'webhooks:read',
  'PUT /v1/webhooks/:id': 'webhooks:manage',
  'DELETE /v1/webhooks/:id': 'webhooks:manage',
  'POST /v1/webhooks/:id/test': 'webhooks:manage',
  'POST /v1/webhooks/:id/rotate-secret': 'webhooks:manage',
  'GET /v1/webhooks/:id/deliveries': 'webhooks:read',
  'GET /v1/webhooks/:id/deliveries/:delivery_id': 'webhooks:read',
  'POST /v1/webhooks/:id/deliveries/:delivery_id/redeliver': 'webhooks:manage',

  // Signed with a secret of its own.
  'POST /v1/webhooks/github': 'public',
  'POST /api/v2/webhooks/github': 'public',
  'POST /api/webhooks/github': 'public',
  'GET /v1/pull-requests': 'pull-requests:read',
  'POST /v1/pull-requests/:id/approve': 'pull-requests:approve',

  'GET /v1/secrets': 'secrets:read',
  'PUT /v1/secrets/:scope/:name': 'secrets:manage',
  'DELETE /v1/secrets/:scope/:name': 'secrets:manage',

  'GET /api/credentials': 'credentials:read',
  'GET /api/credentials/types': 'credentials:read',
  'POST /api/credentials': 'credentials:manage',
  'GET /api/credentials/:id': 'credentials:read',
  'PUT /api/credentials/:id': 'credentials:manage',
  'DELETE /api/credentials/:id': 'credentials:manage',
  'POST /api/credentials/:id/verify': 'credentials:manage',
  'GET /api/repositories': 'repositories:read',
  'POST /api/repositories': 'repositories:manage',
  'POST /api/repositories/validate-url': 'repositories:manage',
  'GET /api/repositories/:id': 'repositories:read',
  'PUT /api/repositories/:id': 'repositories:manage',
  'DELETE /api/repositories/:id': 'repositories:manage',
  'POST /api/repositories/:id/verify': 'repositories:manage',
  'GET /api/repositories/:id/branches': 'repositories:read',

  'GET /api/registries': 'registries:read',
  'POST /api/registries': 'registries:manage',
  'GET /api/registries/:id': 'registries:read',
  'PUT /api/registries/:id': 'registries:manage',
  'DELETE /api/registries/:id': 'registries:manage',
  'POST /api/registries/:id/test': 'registries:manage',
  'GET /api/branding/templates': 'branding:read',
  'POST /api/branding/templates': 'branding:manage',
  'POST /api/branding/templates/import': 'branding:manage',
  'GET /api/branding/templates/:id': 'branding:read',
  'PUT /api/branding/templates/:id': 'branding:manage',
  'DELETE /api/branding/templates/:id': 'branding:manage',
  'POST /api/branding/templates/:id/duplicate': 'branding:manage',
  'GET /api/branding/templates/:id/export': 'branding:read',
  // It shows what is in a repository, to whoever looks for it with a pattern.
  'POST /api/branding/templates/:id/preview': 'branding:manage',
  'GET /api/branding/templates/:id/assets': 'branding:read',
  'POST /api/branding/templates/:id/assets': 'branding:manage',
  'GET /api/branding/templates/:id/assets/:asset_id': 'branding:read',
  'PUT /api/branding/templates/:id/assets/:asset_id': 'branding:manage',
  'DELETE /api/branding/templates/:id/assets/:asset_id': 'branding:manage',
  'GET /api/branding/templates/:id/assets/:asset_id/content': 'branding:read',
  'GET /api/configurations': 'configurations:read',
  'POST /api/configurations': 'configurations:manage',
  'GET /api/configurations/:id': 'configurations:read',
  'GET /api/configurations/:id/usage': 'configurations:read',
  'PUT /api/configurations/:id': 'configurations:manage',
  'DELETE /api/configurations/:id': 'configurations:manage',
  'GET /api/pipelines/runs': 'builds:read',
  'POST /api/pipelines/runs': 'builds:create',
  'GET /api/pipelines/runs/:id': 'builds:read',
  'POST /api/pipelines/runs/:id/execute': 'builds:create',
  'POST /api/pipelines/runs/:id/cancel': 'builds:create',
  'POST /api/pipelines/runs/:id/retry': 'builds:create',
  'GET /api/pipelines/runs/:id/logs': 'builds:read',
  'GET /api/pipelines/runs/:id/outputs': 'builds:read',
  'GET /api/pipelines/outputs/:id/download': 'builds:read',
  'GET /api/pipelines/steps': 'builds:read',
  'GET /api/pipelines/statistics': 'builds:read',
  'POST /api/pipelines/cleanup': 'builds:manage',
  'GET /api/pipelines/repositories/:id/usage': 'builds:read',

  'POST /api/jobs/delegate': 'delegations:create',
  'GET /api/jobs': 'delegations:read',
  'GET /api/jobs/:id': 'delegations:read',
  'POST /api/jobs/:id/cancel': 'delegations:cancel',
  'PATCH /api/jobs/:id/status': 'delegations:report',
  'POST /api/jobs/:id/proxy-complete': 'delegations:create',
  'GET /api/jobs/:id/logs': 'delegations:read',
  'POST /api/jobs/pull': 'delegations:report',
  'POST /api/jobs/:id/container': 'delegations:report',
  'POST /api/jobs/:id/exec': 'delegations:report',
  'POST /api/jobs/:id/step-container': 'delegations:report',
  'DELETE /api/jobs/:id/container': 'delegations:report',
  'GET /api/runners': 'runners:read',
  'GET /api/runners/classes': 'runners:read',
  'GET /api/runners/:id': 'runners:read',
  'PUT /api/runners/:id': 'runners:register',
  'DELETE /api/runners/:id': 'runners:manage',

  'GET /api/v2/pipelines/status': { permission: 'pipelines:read', orAnonymous: 'status' },
  'GET /api/v2/pipelines/history/:repo': { permission: 'pipelines:read', orAnonymous: 'status' },
  'GET /api/v2/pipelines/metrics': { permission: 'pipelines:read', orAnonymous: 'status' },
  'GET /api/v2/pipelines/insights': { permission: 'pipelines:read', orAnonymous: 'status' },
  'POST /api/v2/pipelines/trigger': 'pipelines:trigger',

  'GET /v1/tokens': 'tokens:manage',
  'POST /v1/tokens': 'tokens:manage',
  'POST /v1/tokens/:id/rotate': 'tokens:manage',
  'DELETE /v1/tokens/:id': 'tokens:manage',
  'GET /v1/retention': 'retention:read',
  'GET /v1/retention/preview': 'retention:read',
  'PUT /v1/retention': 'retention:manage',
  'POST /v1/tickets': 'authenticated',
  'GET /v1/session': 'authenticated',
  'POST /v1/session': 'sign-in',
  'DELETE /v1/session': 'sign-in',
  'GET /v1/sign-in': 'sign-in',
  'GET /v1/sign-in/configuration': 'sign-in',
  'GET /v1/sign-in/callback': 'sign-in',
  'POST /v1/sign-in/github-actions': 'sign-in',
  'GET /v1/audit': 'audit:read',
}

/** Whether the route asks nobody who they are. */
export function isOpen(guard: RouteGuard): guard is 'public' | 'sign-in' {
  return guard === 'public' || guard === 'sign-in'
}

/** Whether signed links of ours open the route. */
export function takesSignedLinks(guard: RouteGuard): boolean {
  return typeof guard === 'object' && 'orSignedLink' in guard
}

/** Whether the route takes a token as password, too. */
export function takesPasswords(guard: RouteGuard): boolean {
  return typeof guard === 'object' && 'challenge' in guard
}

/** Whether the route can be opened to those without a credential. */
export function takesAnonymous(guard: RouteGuard): boolean {
  return typeof guard === 'object' && 'orAnonymous' in guard
}

/** The permission a guard names, if it names one. */
export function permissionOf(guard: RouteGuard): Permission | null {
  if (isOpen(guard) || guard === 'authenticated') return null
  if (isForServers(guard)) return null
  return typeof guard === 'string' ? guard : guard.permission
}

/** Whether only other servers of the same database pass. */
export function isForServers(guard: RouteGuard): guard is { signedBy: 'server' } {
  return typeof guard === 'object' && 'signedBy' in guard
}
