import { describe, expect, it } from 'vitest'
import type { GithubActionsRule } from '../config/github-actions-rules.ts'
import type { GithubActionsJob } from '../ports/sign-in.ts'
import { judgeGithubActions } from './judge-github-actions.ts'

const job: GithubActionsJob = {
  tokenId: 'j',
  repository: 'acme/shop',
  ref: 'refs/heads/main',
  environment: null,
  event: 'push',
  runId: '1',
  runAttempt: '1',
}
const rule: GithubActionsRule = {
  repository: 'acme/*',
  branches: null,
  tags: null,
  environments: null,
  events: ['push', 'workflow_dispatch'],
  roles: ['developer'],
  lifetimeMs: 900_000,
}
const isLetIn = (rules: Partial<GithubActionsRule>, of: Partial<GithubActionsJob> = {}) =>
  judgeGithubActions({ ...job, ...of }, [{ ...rule, ...rules }]) !== null

describe('judgeGithubActions', () => {
  it('lets nobody in without a rule', () => {
    expect(judgeGithubActions(job, [])).toBeNull()
  })

  it('adds the roles of all rules that hold up, for the shortest time of theirs', () => {
    const rules: GithubActionsRule[] = [
      rule,
      { ...rule, roles: ['operator', 'developer'], lifetimeMs: 60_000 },
      { ...rule, repository: 'acme/site', roles: ['admin'] },
    ]
    expect(judgeGithubActions(job, rules)).toEqual({
      roles: ['developer', 'operator'],
      lifetimeMs: 60_000,
    })
  })

  it.each([
    [{ repository: 'acme/shop' }, {}, true],
    [{ repository: 'acme/site' }, {}, false],
    [{ repository: 'acme/*' }, { repository: 'evil/acme/shop' }, false],
    [{ repository: 'acme/*' }, { repository: 'acmes/shop' }, false],
    [{ repository: 'acme/shop' }, { repository: 'acme/shop2' }, false],
    [{ repository: 'acme/s.op' }, {}, false],
    [{ branches: ['main'] }, {}, true],
    [{ branches: ['main'] }, { ref: 'refs/heads/main2' }, false],
    [{ branches: ['release/*'] }, { ref: 'refs/heads/release/1' }, true],
    [{ branches: ['release/*'] }, { ref: 'refs/heads/release/1/x' }, false],
    [{ branches: ['**'] }, { ref: 'refs/pull/7/merge' }, false],
    [{ branches: ['v1'] }, { ref: 'refs/tags/v1' }, false],
    [{ tags: ['v*'] }, { ref: 'refs/tags/v1' }, true],
    [{ tags: ['v*'] }, { ref: 'refs/heads/v1' }, false],
    [{ branches: ['main'], tags: ['v*'] }, {}, true],
    [{ branches: [] }, {}, false],
    [{ environments: ['production'] }, {}, false],
    [{ environments: ['production'] }, { environment: 'production' }, true],
    [{ environments: ['production'] }, { environment: 'staging' }, false],
    [{}, { event: 'pull_request_target' }, false],
    [{ events: ['pull_request_target'] }, { event: 'pull_request_target' }, true],
  ])('of %o, a job with %o: %s', (rules, of, isIn) => {
    expect(isLetIn(rules, of)).toBe(isIn)
  })
})
