import { createHash } from 'node:crypto'
import { type ActionsState, createActionsState } from './actions-state.ts'
import type { ApiDescription, MatchedRequest } from './api-description.ts'
import { createRunnersState, type RunnersState } from './runners-state.ts'
import type { Seen } from './stand-in.ts'

export interface Status {
  repository: string
  sha: string
  state: string
  context: string
  description: string
  target_url: string | null
}
export interface Deployment {
  id: number
  repository: string
  ref: string
  environment: string
  task: string
  description: string
  production_environment: boolean
  payload: Record<string, unknown>
  statuses: { state: string; description: string; log_url?: string }[]
}
export interface Release {
  id: number
  repository: string
  tag_name: string
  target_commitish: string
  name: string
  body: string
  prerelease: boolean
}
export interface Asset {
  id: number
  releaseId: number
  name: string
  contentType: string
  content: Buffer
}

/** The body of a status of 400 and more is its message, with what goes beside it. */
export interface StateAnswer {
  status: number
  body: unknown
}

/** What GitHub would keep, and what it would answer. */
export interface GitHubState {
  actions: ActionsState
  runners: RunnersState
  statuses: Status[]
  deployments: Deployment[]
  releases: Release[]
  assets: Asset[]
  handle(match: MatchedRequest, query: URLSearchParams, request: Seen, raw: Buffer): StateAnswer
}

const fortyDigits = /^[0-9a-f]{40}$/

export function createGitHubState(input: {
  api: ApiDescription
  base: () => string
  commits: ReadonlyMap<string, string>
}): GitHubState {
  const { api, base, commits } = input
  const statuses: Status[] = []
  const deployments: Deployment[] = []
  const releases: Release[] = []
  const assets: Asset[] = []
  const actions = createActionsState({ api, base })
  const runners = createRunnersState({ api })
  let ids = 0

  const notFound = { status: 404, body: ['Not Found'] }
  const invalid = (message: string, ...errors: object[]) => ({
    status: 422,
    body: [message, { errors }],
  })
  const showRelease = (release: Release, status: number) => ({
    status,
    body: {
      ...api.example('repos/create-release', 201),
      ...release,
      html_url: `${base()}/${release.repository}/releases/tag/${release.tag_name}`,
      upload_url: `${base()}/uploads/repos/${release.repository}/releases/${release.id}/assets{?name,label}`,
    },
  })
  const showAsset = ({ id, name, content, contentType }: Asset) => ({
    ...api.example('repos/upload-release-asset', 201),
    id,
    name,
    content_type: contentType,
    size: content.length,
    state: 'uploaded',
    digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
    browser_download_url: `${base()}/download/${id}/${encodeURIComponent(name)}`,
  })
  const showDeployment = ({ statuses: _, repository: __, ...deployment }: Deployment) => ({
    ...api.example('repos/create-deployment', 201),
    ...deployment,
    sha: deployment.ref,
    original_environment: deployment.environment,
  })

  return {
    actions,
    runners,
    statuses,
    deployments,
    releases,
    assets,
    handle(match, query, { repository, body, headers }, raw) {
      const { operation, params } = match
      const answered = actions.handle(match, query, body) ?? runners.handle(match, query, body)
      if (answered !== null) return answered
      const given = (body ?? {}) as Record<string, never>
      switch (operation) {
        case 'apps/get-repo-installation': {
          return { status: 200, body: { ...api.example(operation, 200), id: 7 } }
        }
        case 'apps/create-installation-access-token': {
          const token = `ghs_${++ids}`
          const expires_at = new Date(Date.now() + 3_600_000).toISOString()
          return { status: 201, body: { ...api.example(operation, 201), token, expires_at } }
        }
        case 'repos/create-commit-status': {
          const sha = params['sha'] ?? ''
          if (!fortyDigits.test(sha)) return invalid(`No commit found for SHA: ${sha}`)
          const { state, context, description, target_url } = given as unknown as Status
          statuses.push({ repository, sha, state, context, description, target_url })
          const shown = { state, context, description, target_url, id: ++ids }
          return { status: 201, body: { ...api.example(operation, 201), ...shown } }
        }
        case 'repos/get-commit': {
          const sha = commits.get(params['ref'] ?? '')
          if (sha === undefined) return invalid(`No commit found for SHA: ${params['ref']}`)
          return { status: 200, body: { ...api.example(operation, 200), sha, files: [] } }
        }
        case 'repos/create-deployment': {
          const { required_contexts: _, auto_merge: __, ...made } = given
          const deployment = {
            ...made,
            id: ++ids,
            repository,
            statuses: [],
          } as unknown as Deployment
          deployments.push(deployment)
          return { status: 201, body: showDeployment(deployment) }
        }
        case 'repos/list-deployments': {
          const found = deployments.filter(
            (known) =>
              known.repository === repository &&
              known.ref === query.get('sha') &&
              known.environment === query.get('environment') &&
              known.task === query.get('task'),
          )
          return { status: 200, body: found.map(showDeployment) }
        }
        case 'repos/create-deployment-status': {
          const deployment = deployments.find(({ id }) => String(id) === params['deployment_id'])
          if (deployment === undefined) return notFound
          const { auto_inactive: _, ...status } = given
          deployment.statuses.push(status as unknown as Deployment['statuses'][number])
          return { status: 201, body: { ...api.example(operation, 201), ...status, id: ++ids } }
        }
        case 'repos/get-release-by-tag': {
          const release = releases.find(
            (known) => known.repository === repository && known.tag_name === params['tag'],
          )
          return release === undefined ? notFound : showRelease(release, 200)
        }
        case 'repos/create-release': {
          const {
            tag_name,
            target_commitish,
            name,
            body: notes,
            prerelease,
          } = given as unknown as Release
          const field = { resource: 'Release', code: 'already_exists', field: 'tag_name' }
          const isThere = releases.some(
            (known) => known.repository === repository && known.tag_name === tag_name,
          )
          if (isThere) return invalid('Validation Failed', field)
          const release = {
            id: ++ids,
            repository,
            tag_name,
            target_commitish,
            name,
            body: notes,
            prerelease,
          }
          releases.push(release)
          return showRelease(release, 201)
        }
        case 'repos/update-release': {
          const release = releases.find(({ id }) => String(id) === params['release_id'])
          if (release === undefined) return notFound
          Object.assign(release, given)
          return showRelease(release, 200)
        }
        case 'repos/list-release-assets': {
          const size = Number(query.get('per_page'))
          const from = (Number(query.get('page')) - 1) * size
          const own = assets.filter(({ releaseId }) => String(releaseId) === params['release_id'])
          return { status: 200, body: own.slice(from, from + size).map(showAsset) }
        }
        case 'repos/upload-release-asset': {
          const name = query.get('name') ?? ''
          const releaseId = Number(params['release_id'])
          const field = { resource: 'ReleaseAsset', code: 'already_exists', field: 'name' }
          const isThere = assets.some(
            (known) => known.releaseId === releaseId && known.name === name,
          )
          if (isThere) return invalid('Validation Failed', field)
          const contentType = headers['content-type'] ?? ''
          const asset = { id: ++ids, releaseId, name, contentType, content: raw }
          assets.push(asset)
          return { status: 201, body: showAsset(asset) }
        }
        case 'repos/delete-release-asset': {
          const index = assets.findIndex(({ id }) => String(id) === params['asset_id'])
          if (index < 0) return notFound
          assets.splice(index, 1)
          return { status: 204, body: undefined }
        }
        default: {
          throw new Error(`nothing is known of ${operation}`)
        }
      }
    },
  }
}
