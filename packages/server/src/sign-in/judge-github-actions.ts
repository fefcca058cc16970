import type { Role } from '@slipway/contract/access'
import { compileBranchGlob } from '@slipway/forge'
import type { GithubActionsRule } from '../config/github-actions-rules.ts'
import type { GithubActionsJob } from '../ports/sign-in.ts'

/** What a job of GitHub Actions is let do here; without a rule for it, nothing: null. */
export function judgeGithubActions(
  job: GithubActionsJob,
  rules: readonly GithubActionsRule[],
): { roles: Role[]; lifetimeMs: number } | null {
  const holding = rules.filter((rule) => holds(rule, job))
  if (holding.length === 0) return null
  return {
    roles: [...new Set(holding.flatMap(({ roles }) => roles))],
    lifetimeMs: Math.min(...holding.map(({ lifetimeMs }) => lifetimeMs)),
  }
}

function holds(rule: GithubActionsRule, job: GithubActionsJob): boolean {
  return (
    matches([rule.repository], job.repository) &&
    rule.events.includes(job.event) &&
    isOfRef(rule, job.ref) &&
    (rule.environments === null ||
      (job.environment !== null && matches(rule.environments, job.environment)))
  )
}

function isOfRef({ branches, tags }: GithubActionsRule, ref: string): boolean {
  if (branches === null && tags === null) return true
  const [, kind, name = ''] = /^refs\/(heads|tags)\/(.+)$/s.exec(ref) ?? []
  if (kind === 'heads') return matches(branches ?? [], name)
  return kind === 'tags' && matches(tags ?? [], name)
}

function matches(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => compileBranchGlob(glob)(text))
}
