import type {
  EnvironmentConfig,
  ProjectConfig,
  ReleaseTriggerConfig,
  RepositoryConfig,
} from '@slipway/forge'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { CommitForge } from '../git/index.ts'

/** What a commit's configuration says of a project's release. */
export interface ReleasedProject {
  file: string
  tagging: RepositoryConfig['tagging']
  environments: readonly EnvironmentConfig[]
  artifacts: ProjectConfig['artifacts']
  on: readonly ReleaseTriggerConfig[]
  resources: ProjectConfig['deploy']['resources']
  /** Why the run releases it; null: it does not, or no run was asked. */
  runTrigger: 'branch_push' | 'tag' | null
}

interface Wanted {
  repository: string
  project: string
  commitSha: string
}

/**
 * The project as a run has found it: that run, or the newest one of the commit. Null where no run
 * has, so that git is to be asked. A project that the commit does not have is `resource_not_found`.
 */
export async function findProjectInRuns(
  db: Kysely<Tables>,
  wanted: Wanted & { runId: string | null },
): Promise<ReleasedProject | null> {
  const { repository, project, commitSha, runId } = wanted
  const ofCommit = sql`r.repository = ${repository} and r.commit_sha = ${commitSha}`
  const { rows } = await sql<{
    settings: Pick<RepositoryConfig, 'tagging' | 'environments'>
    config: Omit<ProjectConfig, 'phases'> | null
    release_trigger: ReleasedProject['runTrigger']
    names: string[]
  }>`
    select c.repository as settings, p.config, p.release_trigger,
           case when p.name is null
             then array(select name from run_projects where run_id = c.run_id order by position)
             else '{}' end as names
    from run_configurations c
    join runs r on r.id = c.run_id
    left join run_projects p on p.run_id = c.run_id and p.name = ${project}
    where ${runId === null ? ofCommit : sql`c.run_id = ${runId}`}
    order by r.repository_ordinal desc limit 1`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  if (row.config === null) throw projectNotFound(wanted, row.names)
  const runTrigger = runId === null ? null : row.release_trigger
  return { ...toProject(row.settings, row.config), runTrigger }
}

/** The project as the commit's files have it. A broken configuration is `invalid_request`. */
export function projectOfForge(forge: CommitForge, wanted: Wanted): ReleasedProject {
  if (!forge.ok) {
    const [first] = forge.problems
    const rest = forge.problems.length > 1 ? ` (and ${forge.problems.length - 1} more)` : ''
    throw new AppError(
      'invalid_request',
      `The configuration of ${wanted.commitSha} is not valid: ${first?.file}: ${first?.message}${rest}`,
      { problems: forge.problems.slice(0, 100) },
    )
  }
  const project = forge.projects.find(({ name }) => name === wanted.project)
  if (project === undefined) {
    throw projectNotFound(
      wanted,
      forge.projects.map(({ name }) => name),
    )
  }
  return { ...toProject(forge.repository, project), runTrigger: null }
}

function toProject(
  { tagging, environments }: Pick<RepositoryConfig, 'tagging' | 'environments'>,
  { file, artifacts, release, deploy }: Omit<ProjectConfig, 'phases'>,
): Omit<ReleasedProject, 'runTrigger'> {
  const { resources } = deploy
  return { file, tagging, environments, artifacts, on: release.on, resources }
}

function projectNotFound({ repository, project, commitSha }: Wanted, names: readonly string[]) {
  const has = names.length === 0 ? 'it has none' : `it has ${names.slice(0, 20).join(', ')}`
  return new AppError(
    'resource_not_found',
    `${repository} has no project ${project} at ${commitSha}; ${has}`,
    { projects: names.slice(0, 100) },
  )
}
