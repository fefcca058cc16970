import type { ReconciledDeployment, Reconciler, Reconciliation } from '../../../ports/reconciler.ts'
import { askForApplication } from './ask-for-application.ts'
import { judgeApplication } from './judge-application.ts'

export interface ArgocdReconcilerDeps {
  /** Of the Argo CD server, without a slash at its end. */
  url: string
  token: string
  /** Name of the application, with `{environment}`, `{owner}`, `{repo}` and `{project}` in it. */
  application: string
  /** Whether `revision` is `sha` or was committed on top of it. */
  includes: (commits: { sha: string; revision: string }, signal: AbortSignal) => Promise<boolean>
}

/**
 * Asks Argo CD whether the application of a deployment is synced to its commit, or a later one, and
 * healthy; asking also has Argo CD look at the repository without waiting for its own next poll.
 */
export function createArgocdReconciler(deps: ArgocdReconcilerDeps): Reconciler {
  return {
    name: 'argocd',
    async check(deployment, signal): Promise<Reconciliation> {
      const name = applicationName(deps.application, deployment)
      try {
        const answer = await askForApplication(deps, { name, signal })
        if ('reason' in answer) return { reconciled: false, reason: answer.reason }
        const sha = deployment.gitopsCommitSha
        return await judgeApplication(answer.application, name, (revision) =>
          revision === sha
            ? Promise.resolve(true)
            : deps.includes({ sha, revision }, signal).catch(() => false),
        )
      } catch (error) {
        const why = signal.aborted ? 'it took too long to answer' : rootMessage(error)
        return { reconciled: false, reason: `Argo CD cannot be asked: ${why}` }
      }
    },
  }
}

/** Fills in a template of an application's name. */
function applicationName(template: string, deployment: ReconciledDeployment): string {
  const [owner = '', repo = ''] = deployment.repository.split('/')
  const values: Readonly<Record<string, string>> = {
    environment: deployment.environment,
    owner,
    repo,
    project: deployment.project,
  }
  return template.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole)
}

/** The innermost message says what happened; "fetch failed" does not. */
function rootMessage(error: unknown): string {
  let at = error
  for (let depth = 0; depth < 5 && at instanceof Error && at.cause instanceof Error; depth++) {
    at = at.cause
  }
  return at instanceof Error && at.message !== '' ? at.message : 'no answer'
}
