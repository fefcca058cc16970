import type { GitHub } from '../../../ports/github.ts'
import type { GitHubCalls } from './call-github.ts'
import { expectId, expectList } from './expect.ts'

type DeploymentCalls = Pick<
  GitHub,
  'createDeployment' | 'findDeployment' | 'createDeploymentStatus'
>

/** Name of our key in the payload of a deployment. */
const payloadKey = 'slipway_deployment'

export function deploymentCalls({ call }: GitHubCalls): DeploymentCalls {
  return {
    createDeployment(repository, deployment, signal) {
      const { commitSha, environment, production, task, description, key } = deployment
      const about = { repository, what: `Deployment to ${environment}`, signal }
      return call(about, async (request, at) => {
        const { data } = await request('POST /repos/{owner}/{repo}/deployments', {
          ...at,
          ref: commitSha,
          task,
          environment,
          description,
          payload: { [payloadKey]: key },
          production_environment: production,
          // What was deployed is deployed: GitHub is to record it, not to judge it.
          auto_merge: false,
          required_contexts: [],
        })
        // 202: it merged something instead, though asked not to.
        return expectId(data as { id: number })
      })
    },
    findDeployment(repository, { commitSha, environment, task, key }, signal) {
      const about = { repository, what: `Deployments to ${environment}`, signal }
      return call(about, async (request, at) => {
        const { data } = await request('GET /repos/{owner}/{repo}/deployments', {
          ...at,
          sha: commitSha,
          environment,
          task,
          per_page: 100,
        })
        const ours = expectList(data).find(({ payload }) => keyOf(payload) === key)
        return ours === undefined ? null : expectId(ours)
      })
    },
    async createDeploymentStatus(repository, status, signal) {
      const { deploymentId, state, description, logUrl } = status
      const about = { repository, what: `Status of deployment ${deploymentId}`, signal }
      await call(about, async (request, at) => {
        const { data } = await request(
          'POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
          {
            ...at,
            deployment_id: deploymentId,
            state,
            description,
            ...(logUrl === null ? {} : { log_url: logUrl }),
            // Several projects may be deployed to one environment; who takes whose place we say ourselves.
            auto_inactive: false,
          },
        )
        expectId(data)
      })
    },
  }
}

/** GitHub answers a payload as an object, or as the JSON of one. */
function keyOf(payload: unknown): unknown {
  if (typeof payload === 'object' && payload !== null) {
    return (payload as Record<string, unknown>)[payloadKey]
  }
  if (typeof payload !== 'string' || !payload.includes(payloadKey)) return undefined
  try {
    return keyOf(JSON.parse(payload))
  } catch {
    return undefined
  }
}
