import type {
  CreateReleaseRequest,
  CreateReleaseResponse,
  ListReleasesQuery,
  ListReleasesResponse,
  Release,
  ReleaseSummary,
  SetAliasResponse,
} from '@slipway/contract/releases'
import { paginate } from './paginate.ts'
import type { CallOptions, Transport } from './transport.ts'

/** A project, and a release of it by alias, number, commit SHA, or at least its first seven digits. */
export interface ReleaseName {
  repository: string
  project: string
  release: string
}

export interface ReleasesApi {
  /** Makes a release. `resource_conflict` names in `details.release_id` the one that the commit has. */
  create(request: CreateReleaseRequest, options?: CallOptions): Promise<CreateReleaseResponse>
  /** By its id, or by how it is called in its project. */
  get(which: string | ReleaseName, options?: CallOptions): Promise<Release>
  list(
    project: Omit<ReleaseName, 'release'>,
    query?: ListReleasesQuery,
    options?: CallOptions,
  ): Promise<ListReleasesResponse>
  /** Every release of the project from `offset` on, newest first, `limit` to a request. */
  iterate(
    project: Omit<ReleaseName, 'release'>,
    query?: ListReleasesQuery,
    options?: CallOptions,
  ): AsyncIterable<ReleaseSummary>
  /** Gives a release a name of one's own; `move` takes it from the one that it names now. */
  setAlias(
    release: ReleaseName,
    alias: string,
    options?: CallOptions & { move?: boolean },
  ): Promise<SetAliasResponse>
  /** Takes a name of one's own away. */
  deleteAlias(release: ReleaseName, alias: string, options?: CallOptions): Promise<void>
}

export function releasesApi(transport: Transport): ReleasesApi {
  const ofProject = ({ repository, project }: Omit<ReleaseName, 'release'>) =>
    `v1/releases/${encodeURIComponent(repository)}/${encodeURIComponent(project)}`
  const ofRelease = (name: ReleaseName) => `${ofProject(name)}/${encodeURIComponent(name.release)}`
  const ofAlias = (name: ReleaseName, alias: string) =>
    `${ofRelease(name)}/aliases/${encodeURIComponent(alias)}`
  const list: ReleasesApi['list'] = async (project, query = {}, { signal } = {}) => {
    const input = { path: ofProject(project), query: { ...query }, signal }
    return (await transport.json(input)) as ListReleasesResponse
  }

  return {
    list,
    async create(request, { signal } = {}) {
      const input = { method: 'POST', path: 'v1/releases', body: request, signal } as const
      return (await transport.json(input)) as CreateReleaseResponse
    },
    async get(which, { signal } = {}) {
      const path =
        typeof which === 'string' ? `v1/releases/${encodeURIComponent(which)}` : ofRelease(which)
      return (await transport.json({ path, signal })) as Release
    },
    iterate: (project, query = {}, options) =>
      paginate(async (offset, limit) => {
        const { releases, total } = await list(project, { ...query, offset, limit }, options)
        return { items: releases, total }
      }, query),
    async setAlias(release, alias, { move, signal } = {}) {
      const query = move === undefined ? {} : { move }
      const input = { method: 'PUT', path: ofAlias(release, alias), query, signal } as const
      return (await transport.json(input)) as SetAliasResponse
    },
    async deleteAlias(release, alias, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: ofAlias(release, alias), signal })
    },
  }
}
