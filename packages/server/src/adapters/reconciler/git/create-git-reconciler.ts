import type { Reconciler } from '../../../ports/reconciler.ts'

export interface GitReconcilerDeps {
  /** Asks the GitOps repository itself whether its branch has the commit. */
  contains: (sha: string, signal: AbortSignal) => Promise<boolean>
}

/** What is on the branch is taken for running: for tools that apply whatever is there, and say nothing. */
export function createGitReconciler(deps: GitReconcilerDeps): Reconciler {
  return {
    name: 'git',
    async check({ gitopsCommitSha }, signal) {
      try {
        if (await deps.contains(gitopsCommitSha, signal)) return { reconciled: true }
      } catch (error) {
        const why = error instanceof Error ? error.message : 'it does not answer'
        return { reconciled: false, reason: `The GitOps repository cannot be asked: ${why}` }
      }
      return {
        reconciled: false,
        reason: `The commit ${gitopsCommitSha} is not on the branch of the GitOps repository`,
      }
    },
  }
}
