import { createHash } from 'node:crypto'
import type { ExchangedToken } from '@slipway/contract/sign-in'
import type { Kysely } from 'kysely'
import { createExchangedToken, exchangedPrefix } from '../access/index.ts'
import type { GithubActionsRule } from '../config/github-actions-rules.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../db/log.ts'
import type { GithubActionsTokens } from '../ports/sign-in.ts'
import { judgeGithubActions } from './judge-github-actions.ts'

export interface GithubActionsExchange {
  tokens: GithubActionsTokens
  rules: readonly GithubActionsRule[]
}

/**
 * Gives a job of GitHub Actions a short-lived token for its ID token, which is good for this once: for the
 * job's repository alone, with the roles that the rules name for it. Refused are an ID token that is not
 * valid (`authentication_failed`), one that no rule is about (`authorization_failed`), and one that was
 * used (`resource_conflict`); `unavailable` where GitHub's keys cannot be had.
 */
export async function exchangeGithubActions(
  deps: { db: Kysely<Tables>; log: Log; githubActions: GithubActionsExchange | null },
  input: { token: string },
): Promise<ExchangedToken & { id: string }> {
  const { githubActions, log } = deps
  if (githubActions === null) {
    throw new AppError('authorization_failed', 'No rule lets jobs of GitHub Actions in', {
      reason: 'no_rule',
    })
  }
  const job = await githubActions.tokens.verify(input.token).catch((error: unknown) => {
    log.warn({ err: error }, 'An ID token of GitHub Actions could not be checked')
    throw new AppError('unavailable', 'Whose token this is cannot be told at the moment')
  })
  if (job === null) {
    throw new AppError(
      'authentication_failed',
      `This is no ID token of ${githubActions.tokens.issuer} for ${githubActions.tokens.audience}, or has expired`,
    )
  }
  const { repository, ref, environment, event, runId, runAttempt } = job
  const verdict = judgeGithubActions(job, githubActions.rules)
  if (verdict === null) {
    throw new AppError('authorization_failed', 'No rule lets this job in', {
      reason: 'no_rule',
      repository,
      ref,
      environment,
      event,
    })
  }
  const once = createHash('sha256').update(job.tokenId).digest('hex').slice(0, 16)
  const name = `${exchangedPrefix}${repository} ${runId}.${runAttempt} ${once}`
  const expiresAt = new Date(Date.now() + verdict.lifetimeMs)
  const { id, token } = await createExchangedToken(deps, {
    name,
    roles: verdict.roles,
    repository,
    exchangedFor: `${githubActions.tokens.issuer}|repo:${repository}`,
    expiresAt,
  })
  return {
    id,
    token,
    token_type: 'Bearer',
    expires_at: expiresAt.toISOString(),
    expires_in: Math.floor(verdict.lifetimeMs / 1000),
    name,
    roles: verdict.roles,
    repositories: [repository],
  }
}
