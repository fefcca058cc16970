import { sql } from 'kysely'
import type { DeploymentRow } from './deployment-rows.ts'
import type { DeploymentsDeps } from './deps.ts'
import { finishDeployment } from './finish-deployment.ts'
import { composeMessage } from './gitops/commit-message.ts'
import type { GitOpsTurn } from './gitops/gitops-repository.ts'

/**
 * Settles what was being prepared when its process ended, or was cut off from the GitOps repository:
 * a deployment whose commit is there becomes `pending`, any other is removed. Rejects while the
 * repository cannot be asked; what is settled by then stays so.
 */
export async function settleDeployments(deps: DeploymentsDeps, signal: AbortSignal): Promise<void> {
  const left = await leftovers(deps)
  for (const row of left) {
    if (signal.aborted) return
    if (row.gitops_commit_sha === null) {
      await forget(deps, row)
      continue
    }
    await deps.gitops.exclusively(
      async (turn) => {
        // Somebody else may have settled it meanwhile.
        const current = await deps.db
          .selectFrom('deployments')
          .selectAll()
          .where('id', '=', row.id)
          .where('status', '=', 'preparing')
          .executeTakeFirst()
        if (current !== undefined) await settleDeployment(deps, turn, current)
      },
      { signal },
    )
  }
}

/**
 * Of processes that are gone, and of this one if it is not at them any more; what can be settled
 * without the repository comes first.
 */
async function leftovers(deps: DeploymentsDeps): Promise<DeploymentRow[]> {
  const { rows } = await sql<DeploymentRow>`
    select deployment.* from deployments deployment
     where deployment.status = 'preparing'
       and (deployment.holder = ${deps.holder}::uuid
            or not exists (select from workers where workers.id = deployment.holder))
     order by deployment.gitops_commit_sha is not null, deployment.created_at limit 200`.execute(
    deps.db,
  )
  // Only now: the answer may tell of what was begun after it was asked for.
  return rows.filter(({ id }) => !deps.inHand.has(id))
}

/**
 * Finds out whether a deployment's commit is in the GitOps repository, and acts on it. Where it is
 * not, it must not get there later either: a push of the dead may still be on its way to a remote, so
 * a commit of its own is put where that one would go.
 */
export async function settleDeployment(
  deps: DeploymentsDeps,
  turn: GitOpsTurn,
  row: DeploymentRow,
): Promise<void> {
  const sha = row.gitops_commit_sha
  let arrived = false
  await turn.commit({
    reads: [],
    fresh: true,
    async change(base) {
      arrived =
        sha !== null && base.sha !== null && (await turn.isAncestor({ sha, revision: base.sha }))
      if (arrived || !deps.gitops.remote) return null
      return { files: [], message: withdrawal(row), at: new Date() }
    },
    prepared: async () => undefined,
  })
  if (arrived && sha !== null) await finishDeployment(deps, { id: row.id, sha })
  else await forget(deps, row)
  deps.log.info(
    { deployment_id: row.id, arrived },
    'settled a deployment that was interrupted at its commit',
  )
}

async function forget(deps: DeploymentsDeps, row: DeploymentRow): Promise<void> {
  const sha = row.gitops_commit_sha
  await deps.db
    .deleteFrom('deployments')
    .where('id', '=', row.id)
    .where('status', '=', 'preparing')
    // It may have been sent since it was looked at.
    .where('gitops_commit_sha', sha === null ? 'is' : '=', sha)
    .execute()
}

function withdrawal(row: DeploymentRow): string {
  return composeMessage({
    subject: `Withdraw ${row.repository}/${row.project} #${row.release_number} from ${row.environment}: it was interrupted`,
    trailers: { 'Slipway-Withdrawn': row.id },
  })
}
