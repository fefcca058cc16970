import { sql } from 'kysely'
import type { NewDeploymentStatus, NewGitHubDeployment } from '../ports/github.ts'
import type { ReportSubject } from './note-report.ts'
import type { ReportDeps } from './report-deps.ts'

interface DeploymentRow {
  environment: string
  project: string
  number: number
  commit: string
  status: 'pending' | 'active' | 'superseded'
  failed: boolean
  reason: string | null
  githubId: number | null
  told: string | null
}

/** Makes GitHub's deployment of ours, if there is none yet, and says how it is. */
export async function reportDeployment(
  deps: ReportDeps,
  { repository, subject: id }: ReportSubject,
  signal: AbortSignal,
): Promise<void> {
  const row = await findRow(deps, id)
  if (row === undefined) return
  const { state, description } = describe(row)
  if (row.told === state) return
  const deploymentId = row.githubId ?? (await makeDeployment(deps, { id, repository, row }, signal))
  const logUrl = `${deps.publicUrl()}/v1/deployments/${id}`
  const status = { deploymentId, state, description, logUrl }
  await deps.github.createDeploymentStatus(repository, status, signal)
  await sql`update github_deployments set state = ${state} where deployment_id = ${id}`.execute(
    deps.db,
  )
}

async function findRow({ db }: ReportDeps, id: string): Promise<DeploymentRow | undefined> {
  const { rows } = await sql<DeploymentRow>`
    select d.environment, d.project, d.release_number as number, r.commit_sha as commit, d.status,
           d.failed_at is not null as failed, d.reason, g.github_id as "githubId", g.state as told
    from deployments d
      join releases r on r.id = d.release_id
      left join github_deployments g on g.deployment_id = d.id
    where d.id = ${id} and d.status <> 'preparing'`.execute(db)
  return rows[0]
}

async function makeDeployment(
  { db, github }: ReportDeps,
  input: { id: string; repository: string; row: DeploymentRow },
  signal: AbortSignal,
): Promise<number> {
  const { id, repository, row } = input
  const { environment, project, number, commit } = row
  const deployment: NewGitHubDeployment = {
    commitSha: commit,
    environment,
    production: environment === 'production',
    task: `deploy:${project}`,
    description: `${project} #${number}`.slice(0, 140),
    key: id,
  }
  // It may have been made without our hearing of it.
  const githubId =
    (await github.findDeployment(repository, deployment, signal)) ??
    (await github.createDeployment(repository, deployment, signal))
  await sql`
    insert into github_deployments (deployment_id, github_id) values (${id}, ${githubId})
    on conflict (deployment_id) do nothing`.execute(db)
  return githubId
}

function describe(row: DeploymentRow): Pick<NewDeploymentStatus, 'state' | 'description'> {
  const what = `${row.project} #${row.number}`
  switch (row.status) {
    case 'pending':
      return row.failed
        ? { state: 'failure', description: (row.reason ?? `${what} failed`).slice(0, 140) }
        : { state: 'in_progress', description: `${what} is being deployed`.slice(0, 140) }
    case 'active':
      return { state: 'success', description: `${what} is active`.slice(0, 140) }
    case 'superseded':
      return { state: 'inactive', description: `${what} was superseded`.slice(0, 140) }
  }
}
