import type { GithubActionsJob, GithubActionsTokens } from '../../../ports/sign-in.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { type TokenLog, verifyJwt } from './verify-jwt.ts'

export interface GithubActionsDeps {
  log: TokenLog
  keys: IssuerKeys
}

/** The ID tokens that GitHub gives jobs of GitHub Actions. */
export function openGithubActionsTokens(
  deps: GithubActionsDeps,
  options: { issuer: string; audience: string },
): GithubActionsTokens {
  return {
    ...options,
    async verify(token) {
      const verified = await verifyJwt(deps.keys, token, options)
      const job = 'refused' in verified ? null : toJob(verified.claims)
      if (job !== null) return job
      const reason = 'refused' in verified ? verified.refused : 'names no job'
      deps.log.debug({ reason }, 'An ID token of GitHub Actions was refused')
      return null
    },
  }
}

/** GitHub Docs, "OpenID Connect reference". */
function toJob(claims: Readonly<Record<string, unknown>>): GithubActionsJob | null {
  const text = (name: string) => {
    const value = claims[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const job = {
    tokenId: text('jti'),
    repository: text('repository'),
    ref: text('ref'),
    environment: text('environment') || null,
    event: text('event_name'),
    runId: text('run_id'),
    runAttempt: text('run_attempt') || '1',
  }
  const isWhole = [job.tokenId, job.repository, job.ref, job.event, job.runId].every(Boolean)
  return isWhole ? job : null
}
