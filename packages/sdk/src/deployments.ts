import type {
  CreateDeploymentRequest,
  CreateDeploymentResponse,
  CurrentDeployment,
  Deployment,
  DeploymentHistoryEntry,
  DeploymentHistoryQuery,
  DeploymentHistoryResponse,
  ListDeploymentsQuery,
  ListDeploymentsResponse,
  PreviewDeploymentRequest,
  PreviewDeploymentResponse,
  UpdateDeploymentStatusRequest,
} from '@slipway/contract/deployments'
import { paginate } from './paginate.ts'
import type { CallOptions, Transport } from './transport.ts'
import { wait } from './wait.ts'

/** Where at most one release of a project is active. */
export interface DeploymentPlace {
  environment: string
  /** owner/name. */
  repository: string
  project: string
}

export interface DeploymentsApi {
  /**
   * Deploys a release: when this resolves, its commit is in the GitOps repository. `resource_conflict`
   * names in `details.deployment_id` the one that has the release there already.
   */
  create(request: CreateDeploymentRequest, options?: CallOptions): Promise<CreateDeploymentResponse>
  /** What deploying would change; nothing is done. */
  preview(
    request: PreviewDeploymentRequest,
    options?: CallOptions,
  ): Promise<PreviewDeploymentResponse>
  get(id: string, options?: CallOptions): Promise<Deployment>
  /** What is active at the place; `resource_not_found` where nothing is. */
  current(place: DeploymentPlace, options?: CallOptions): Promise<CurrentDeployment>
  history(
    place: DeploymentPlace,
    query?: DeploymentHistoryQuery,
    options?: CallOptions,
  ): Promise<DeploymentHistoryResponse>
  /** All of the place's history from `offset` on, newest first, `limit` to a request. */
  iterateHistory(
    place: DeploymentPlace,
    query?: DeploymentHistoryQuery,
    options?: CallOptions,
  ): AsyncIterable<DeploymentHistoryEntry>
  /** Deployments everywhere, newest first. */
  list(query?: ListDeploymentsQuery, options?: CallOptions): Promise<ListDeploymentsResponse>
  /** Says what came of it, where the server's reconciler is `callback`. */
  report(
    id: string,
    report: UpdateDeploymentStatusRequest,
    options?: CallOptions,
  ): Promise<Deployment>
  /**
   * The deployment as it is now, and again each time that it changed; the last one is active,
   * superseded, or said to have failed.
   */
  watch(id: string, options?: CallOptions): AsyncIterable<Deployment>
}

/** Between two requests of a watch, in milliseconds: twice as long each time. */
const pauses = { first: 100, longest: 3_000 }

export function deploymentsApi(transport: Transport): DeploymentsApi {
  const path = (id: string) => `v1/deployments/${encodeURIComponent(id)}`
  const ofPlace = ({ environment, repository, project }: DeploymentPlace) =>
    `v1/deployments/${[environment, repository, project].map(encodeURIComponent).join('/')}`
  const get: DeploymentsApi['get'] = async (id, { signal } = {}) =>
    (await transport.json({ path: path(id), signal })) as Deployment
  const history: DeploymentsApi['history'] = async (place, query = {}, { signal } = {}) => {
    const input = { path: `${ofPlace(place)}/history`, query: { ...query }, signal }
    return (await transport.json(input)) as DeploymentHistoryResponse
  }

  return {
    get,
    history,
    async create(request, { signal } = {}) {
      const input = { method: 'POST', path: 'v1/deployments', body: request, signal } as const
      return (await transport.json(input)) as CreateDeploymentResponse
    },
    async preview(request, { signal } = {}) {
      const of = { method: 'POST', path: 'v1/deployments/preview', isRepeatable: true } as const
      return (await transport.json({ ...of, body: request, signal })) as PreviewDeploymentResponse
    },
    async current(place, { signal } = {}) {
      return (await transport.json({ path: ofPlace(place), signal })) as CurrentDeployment
    },
    iterateHistory: (place, query = {}, options) =>
      paginate(async (offset, limit) => {
        const { deployments, total } = await history(place, { ...query, offset, limit }, options)
        return { items: deployments, total }
      }, query),
    async list(query = {}, { signal } = {}) {
      const input = { path: 'v1/deployments', query: { ...query }, signal }
      return (await transport.json(input)) as ListDeploymentsResponse
    },
    async report(id, report, { signal } = {}) {
      const input = { method: 'PUT', path: `${path(id)}/status`, body: report, signal } as const
      return (await transport.json(input)) as Deployment
    },
    watch: (id, options = {}) => watchDeployment(get, id, options),
  }
}

async function* watchDeployment(
  get: DeploymentsApi['get'],
  id: string,
  options: CallOptions,
): AsyncGenerator<Deployment, void, undefined> {
  let shown = ''
  for (let pause = pauses.first; ; pause = Math.min(pause * 2, pauses.longest)) {
    const deployment = await get(id, options)
    const text = JSON.stringify(deployment)
    if (text !== shown) yield deployment
    shown = text
    if (deployment.status !== 'pending' || deployment.failed_at !== null) return
    await wait(pause, options.signal)
  }
}
